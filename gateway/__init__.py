"""The GraphQL and HTTP face of Timeloom."""
