package finesse

import "github.com/finesse-connector/finesse-connector/internal/trust"

// ExplainCertificate adds to an error about a node's certificate what an
// operator can do about it. Other errors pass unchanged.
func ExplainCertificate(node string, err error) error {
	return trust.Explain(node, "finesse.nodes", "finesse.ca_file", err)
}
