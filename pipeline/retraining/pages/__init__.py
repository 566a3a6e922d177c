"""The page on the nights of an output folder, for who watches over them."""
