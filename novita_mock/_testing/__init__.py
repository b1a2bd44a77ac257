"""What tests need around a mock: base URLs, patches of the HTTP libraries, teardown checks."""
