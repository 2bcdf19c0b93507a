"""The contract: what travels between the coordinator and everybody who talks to it."""
