"""`params.json`: its schema, its export, and the law registered from it."""
