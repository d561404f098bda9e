"""Peers: the same page from other GraphQL servers, as their documentation would have one write it."""
