"""The pages of an organization's home, its libraries, what they hold, and what is searched in them."""
