"""The subcommands of `antiphon-loadtest`: module NAME has `run(argv, environ) -> exit code`."""
