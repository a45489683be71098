"""The promise to the three clients, as OpenAPI 3.1, made from the handlers themselves."""
