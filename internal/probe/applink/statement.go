package applink

import (
	"encoding/json"
	"slices"
	"strings"
)

// The relation by which an app opens the links of a site, and the name space of Android's packages (Google, Digital
// Asset Links).
const (
	handleURLs  = "delegate_permission/common.handle_all_urls"
	androidApps = "android_app"
)

// statement is one entry of assetlinks.json.
type statement struct {
	Include  string   `json:"include"`
	Relation []string `json:"relation"`
	Target   struct {
		Namespace    string   `json:"namespace"`
		Package      string   `json:"package_name"`
		Fingerprints []string `json:"sha256_cert_fingerprints"`
	} `json:"target"`
}

// statements is what assetlinks.json says.
type statements []statement

func parseStatements(data []byte) (statements, error) {
	var all statements
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	return all, nil
}

// keys returns the fingerprints of all keys with which a package may open links, and whether the package is named.
func (s statements) keys(name string) (fingerprints []string, named bool) {
	for i := range s {
		target := &s[i].Target
		if target.Namespace == androidApps && target.Package == name && slices.Contains(s[i].Relation, handleURLs) {
			fingerprints, named = append(fingerprints, target.Fingerprints...), true
		}
	}
	return fingerprints, named
}

// includes reports whether other files belong to this one.
func (s statements) includes() bool {
	return slices.ContainsFunc(s, func(one statement) bool { return one.Include != "" })
}

// sameButCase reports whether a fingerprint is one of those that are wanted, but is not written in capitals.
func sameButCase(fingerprints, wanted []string) bool {
	return slices.ContainsFunc(fingerprints, func(f string) bool { return slices.Contains(wanted, strings.ToUpper(f)) })
}
