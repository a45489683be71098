"""What the use cases ask of the world. Each contract is its docstring; `adapters` keeps it.

A verb that takes many does its work in one statement. Nothing inside a unit waits on anything
but the database.
"""
