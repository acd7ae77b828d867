"""The vocabulary of autorefund: money, days, ids, events, persisted cells, topics. Depends on nothing else here."""
