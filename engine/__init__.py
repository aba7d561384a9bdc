"""The runtime of care: the log, the decision, the journey, the ledger."""
