"""What stands around the function of a tool: its parameters, where a call comes from, the verdict, the refusal."""
