"""The GraphQL and HTTP face of Timeloom, and its command line."""
