"""X.509: certificates, CertIDs and chains."""
