"""What names tell of an argument: real tools' names and arguments, and those that must stay plain text."""

from __future__ import annotations

import pytest

from smcp_security.contracts.expected import EXPECTED
from smcp_security.contracts.inference import infer_argument
from smcp_security.contracts.names import READINGS, kind_of_name
from smcp_security.contracts.words import words

# tool(argument), as servers in use name them.
KINDS = {
    "argv_token": """
git_checkout(branch) create_branch(from_branch) git_diff(target) git_show(revision) get_commit(sha) html_click(ref)
kubectl_get(resource) kubectl_get(namespace)
""",
    "code": """
run_python(code) execute_python_code(code) run_javascript(script) puppeteer_evaluate(script)
browser_evaluate(function) browser_run_code(code) evaluate_script(function) run_code(source_code) lint_code(code)
jupyter_execute(code) notebook_edit_cell(source) apply_patch(patch) apply_diff(diff)
""",
    "command": """
run_shell(command) bash(command) execute_bash(script) shell_exec(cmd) run_command(command) execute_command(command)
run_terminal_cmd(command) run_in_terminal(command) start_process(command)
""",
    "document": """
write_file(content) create_or_update_file(content) edit_file(oldText) edit_file(newText)
str_replace_editor(file_text) str_replace_editor(old_str) str_replace_editor(new_str) create_issue(body)
add_issue_comment(body) create_pull_request(body) create_ticket(description) send_email(body) create_page(content)
append_block_children(content) send_report(email_body)
""",
    "email": """
contact(email) send_email(to)
""",
    "hostname": """
ping(host)
""",
    "html": """
send_email(html_body) send_email(html) render(html)
""",
    "identifier": """
get_user(user_id) getUser(userId) figma_get(fileKey) jira_get_issue(issue_key) create_issue(owner)
create_issue(repo) describe_table(table_name) describe_table(table) book_table(table)
""",
    "json": """
x(json)
""",
    "ldap": """
ldap_search(filter)
""",
    "nosql": """
mongodb_find(filter) mongo_aggregate(pipeline) mongodb.find(query)
""",
    "path": """
read_file(path) read_multiple_files(paths) move_file(source) move_file(destination) read(file_path) read(filename)
rm(file_name) mkdir(dir_name) list_directory(directory) git_status(repo_path) run(cwd) imap_list(folder)
upload(file)
""",
    "query": """
prometheus_query(query) run_promql(query) graphql_query(query) jira_search(jql) neo4j-read_neo4j_cypher(query)
elasticsearch_search(query) jsonpath_query(jsonpath) query_json(jsonPath) xpath_eval(xpath) x(json_path)
""",
    "regex": """
grep(pattern) ripgrep_search(pattern)
""",
    "sql": """
query(sql) read_query(query) write_query(query) create_table(query) query_database(query) execute_sql(sql)
execute_sql(query) execute_sql(statement) run_sql_query(sql_query) pg_execute_query(query) postgres.query(sql)
mysql_query(sql) bigquery_run(query) snowflake_execute(statement) db_query(query) database.query(query)
supabase.execute_sql(query) execute_query(query) run_query(query) postgres_query(q)
""",
    "template": """
render_template(template) render_page(template_string)
""",
    "url": """
fetch(url) browser_navigate(url) download(image_url) register(webhookUrl) read_resource(uri)
""",
    "uuid": """
get_events(uuid)
""",
}
# Their words mean something else here, or too many things.
PLAIN = """
search_database(query) search_code(query) search_repositories(query) web_search(query) notion-search(query)
notion_query_database(filter) brave_web_search(query) search_memories(query) search_nodes(query)
sql_docs_search(query) search_sql_docs(query) ask_database(question) redis_get(key)
kubectl(command) kubectl_generic(command) aws_cli(command) aws_cli_pipeline(command) execute_aws_command(command)
docker_exec(command) git(command) discord_run_command(command) send_bot_command(command)
ControlAppliance.execute(command) voice_assistant(command) get_country(code) verify_code(code)
search_airports(code) apply_promo(code) oauth_callback(code) country_info(country_code) calculator(expression)
evaluate_expression(expression) integrate(function) create_issue(title) create_task(description)
send_message(content) send_sms(body) http_request(body) send_email(subject) slack_post_message(text)
git_commit(message) save_note(note) save_memory(content) send_email(template) search_files(pattern) glob(pattern)
list_files(glob) filter_urls(url_pattern) add_data(data_uri) send_money(source) book_ride(destination)
svg(svg_path) git_checkout(branch_name) get_bank(bank_branch) press(key) translate(to) is_html(is_html)
toggle(use_json) data_sql(no_sql) do(x) set_path(is_path)
"""


def _cases(text: str) -> list[tuple[str, str]]:
    return [(tool, argument.rstrip(")")) for tool, argument in (each.split("(") for each in text.split())]


@pytest.mark.parametrize("kind", KINDS)
def test_the_names_that_servers_use_tell_the_kind(kind: str) -> None:
    found = {case: infer_argument(*case, None) for case in _cases(KINDS[kind])}
    assert {case: each for case, each in found.items() if each is None or each.kind != kind} == {}


def test_a_name_that_may_mean_something_else_tells_nothing() -> None:
    found = {case: infer_argument(*case, None) for case in _cases(PLAIN)}
    assert {case: each for case, each in found.items() if each is not None} == {}


def test_a_search_stays_plain_text_whatever_is_searched() -> None:
    """Searching for `' OR 1=1--` in a database of articles is as dangerous as anywhere."""
    for tool in ("search_database", "search_docs", "vector_search", "find_in_table", "web_search"):
        assert infer_argument(tool, "query", None) is None, tool


@pytest.mark.parametrize(
    ("name", "kind"), [("file1", "path"), ("path_2", "path"), ("sourceUrl3", "url"), ("id_1_2", "identifier")]
)
def test_a_number_behind_a_name_changes_nothing(name: str, kind: str) -> None:
    found = infer_argument("compare", name, None)
    assert found is not None and found.kind == kind


@pytest.mark.parametrize("name", ["md5", "html5", "python3", "sql_2", "1", "1_2"])
def test_a_number_behind_a_name_makes_nothing_content(name: str) -> None:
    found = infer_argument("compare", name, None)
    assert found is None or found.kind in ("path", "url", "identifier")


def test_names_of_no_letters_or_of_great_length_tell_nothing() -> None:
    assert kind_of_name((), frozenset()) is None
    assert infer_argument("query_database", "", None) is None
    assert infer_argument("query_database", "sql" * 1_000, None) is None
    assert infer_argument("sql" * 1_000, "query", None) is None
    assert infer_argument("Datenbank", "путь", None) is None


def test_every_word_of_a_reading_is_one_that_names_can_have() -> None:
    """A plural in the tables, or a word that splitting takes apart, would never be found."""
    used = {word for each in READINGS for word in (*each.heads, *each.qualified, *each.no_qualifier)}
    assert sorted(word for word in used if words(word) != (word,)) == []


def test_every_kind_that_makes_something_content_is_read_from_some_name() -> None:
    assert EXPECTED.keys() <= {each.kind for each in READINGS}
