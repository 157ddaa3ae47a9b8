"""SQL functions that reach out of the tables: files, network, programs, server, time. Data, for every "
    "database at once.

What a policy allows by name is taken out. Functions that stand where a table does are the other way round: only a few
are known to read nothing but their arguments.
"""

from __future__ import annotations

from typing import Final

from smcp_security.policy.globs import fits

_NAMES: Final = frozenset(
    # SQLite and its command line
    "load_extension readfile writefile edit fts3_tokenizer randomblob zeroblob eval "
    "fsdir sqlite_dbpage zipfile "
    # PostgreSQL
    "lo_import lo_export lo_create lo_creat lo_unlink lo_put lo_get lo_from_bytea lowrite loread lo_open set_config "
    "current_setting query_to_xml query_to_xml_and_xmlschema query_to_xmlschema cursor_to_xml cursor_to_xmlschema "
    "table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema "
    "schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat "
    "ts_rewrite "
    "nextval setval crosstab crosstab2 crosstab3 crosstab4 connectby xpath_table inet_server_addr inet_server_port "
    "inet_client_addr inet_client_port "
    # MySQL
    "sleep benchmark load_file get_lock release_lock release_all_locks is_free_lock is_used_lock master_pos_wait "
    "source_pos_wait wait_for_executed_gtid_set extractvalue updatexml name_const sys_exec sys_eval sys_get sys_set "
    "http_get http_post ps_kill "
    # SQL Server
    "openrowset opendatasource openquery openxml exec execute waitfor fn_get_audit_file fn_trace_gettable "
    "fn_xe_file_target_read_file fn_my_permissions fn_dblog fn_servershareddrives fn_listextendedproperty "
    # Oracle
    "httpuritype dburitype xdburitype bfilename sys_context dbms_pipe dblink "
    # DuckDB, ClickHouse
    "read_csv read_csv_auto read_json read_json_auto read_ndjson read_ndjson_auto read_json_objects read_parquet "
    "read_text read_blob read_xlsx parquet_scan sniff_csv getenv query_table which_secret iceberg_scan "
    "delta_scan postgres_scan postgres_query mysql_scan mysql_query sqlite_scan sqlite_attach arrow_scan "
    "add_parquet_key "
    "getvariable st_read st_read_meta "
    "file s3 s3cluster gcs hdfs hdfscluster azureblobstorage deltalake remote remotesecure "
    "clusterallreplicas postgresql mongodb jdbc odbc executable filecluster "
    "urlcluster sleepeachrow getsetting catboostevaluate joinget joingetornull getserverport getmacro "
    "viewifpermitted addresstoline addresstosymbol demangle "
    # BigQuery, Snowflake, Databricks, Spark, Presto
    "external_query get_presigned_url get_stage_location identifier result_scan get_ddl build_scoped_file_url "
    "build_stage_file_url reflect try_reflect java_method read_files http_request secret try_secret ai_query "
    "remote_query "
    "list_secrets raw_query".split()
)

_PREFIXES: Final = (
    "pg_read", "pg_ls_", "pg_stat_file", "pg_sleep", "pg_terminate", "pg_cancel", "pg_reload", "pg_rotate",
    "pg_switch",
    "pg_create", "pg_drop", "pg_logical", "pg_replication", "pg_advisory", "pg_try_advisory", "pg_promote", "pg_wal",
    "pg_start", "pg_stop", "pg_backup", "pg_file", "pg_logdir", "pg_export", "pg_log", "pg_notify",
    "pg_current_logfile",
    "pg_hba", "pg_show", "pg_stat_reset", "pg_stat_get_activity", "pg_extension_config", "pg_import", "pg_copy",
    "pg_execute", "pg_exec", "pg_get_wal", "pg_signal", "pg_conf", "pg_restore", "pg_clear", "pg_set",
    "binary_upgrade_", "dblink_", "postgres_fdw_", "file_fdw", "adminpack", "lo_", "xp_", "sp_", "fn_hadr", "fn_cdc_",
    "utl_", "dbms_", "ordsys", "owa_", "apex_", "htp", "duckdb_", "pragma_", "dictget", "dicthas", "system$",
    "innodb_", "mysql_", "audit_log_", "gtid_", "service_get_", "keyring_", "aws_", "aws_s3", "aws_lambda",
    "aiexecute",
)  # fmt: skip

_RELATIONS: Final = frozenset(
    "unnest generate_series generate_subscripts exploding_generate_series range numbers numbers_mt zeros "
    "values json_each "
    "json_tree jsonb_each json_each_text jsonb_each_text json_array_elements json_array_elements_text "
    "jsonb_array_elements jsonb_array_elements_text json_object_keys jsonb_object_keys json_to_record "
    "jsonb_to_record "
    "json_to_recordset jsonb_to_recordset json_populate_recordset jsonb_populate_recordset jsonb_path_query "
    "regexp_split_to_table regexp_matches string_to_table string_split split_to_table openjson json_table xmltable "
    "flatten explode explode_outer posexplode posexplode_outer inline stack generate_date_array "
    "generate_timestamp_array generate_array sequence arrayjoin generator".split()
)
"""Functions that may stand for a table: they read nothing but their arguments."""


class Functions:
    """Which functions a statement may call, under a policy's additions and exceptions. Immutable."""

    def __init__(self, deny: tuple[str, ...], allow: tuple[str, ...]) -> None:
        self._deny = deny
        self._allow = allow

    def refused(self, name: str) -> bool:
        """Whether a call of this name, in lower case, is refused. Some databases drop accents, so no other "
        "letters."""
        if _fits_any(self._deny, name):
            return True
        if _fits_any(self._allow, name):
            return False
        return not name.isascii() or name in _NAMES or name.startswith(_PREFIXES)

    def refused_as_table(self, names: list[str]) -> bool:
        """Whether a function may not stand where a table does; it has one name, or the names of all its spellings."""
        if any(_fits_any(self._deny, name) for name in names):
            return True
        return _RELATIONS.isdisjoint(names) and not any(_fits_any(self._allow, name) for name in names)


def _fits_any(globs: tuple[str, ...], name: str) -> bool:
    return any(fits(glob, name) for glob in globs)
