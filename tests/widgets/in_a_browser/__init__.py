"""The widgets in a real browser: the tests in this folder have one server and one browser for all of them."""
