"""Where root keys are kept: one file per kind of vault. The contract is `Vault` in
`engine.contracts`."""
