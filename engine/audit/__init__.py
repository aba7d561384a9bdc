"""The audit chain: how it is kept, and how it proves what the ledger says."""
