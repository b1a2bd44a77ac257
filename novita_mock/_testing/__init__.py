"""What tests need around a mock: addresses, patches below the HTTP libraries, checks at the end."""
