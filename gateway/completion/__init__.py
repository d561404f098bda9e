"""Compiled completion: a selection on rows, turned once into columns that go to JSON without a step per field.

Stock execution asks, for every field of every row, which resolver it has, what it returned and what type that must be.
Here those questions are answered once for each operation (`compiler`); afterwards a page goes through as whole columns
(`leaves`, `selections`). It is the fast road for what goes well, and only for that: whatever is unusual, a null where
none may be or a resolver that fails, is completed again by graphql-core from the same values, which words the errors.
"""
