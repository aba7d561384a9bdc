"""What other programs send: received, kept in the spool, taken into the log and the ledger."""
