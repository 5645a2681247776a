"""Where data lies outside of Lazur: one file per type, by Azure's names for them. The contract is
`Datastore` in `engine.contracts`; contributing/adding-a-datastore.md tells how to add one."""
