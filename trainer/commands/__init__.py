"""One module per subcommand: ``add_arguments`` and ``run``."""
