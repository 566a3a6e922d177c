"""Which law is exported: by what held-out days would have charged its plans, or by deviance."""
