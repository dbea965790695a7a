package fcm

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"regexp"

	"golang.org/x/oauth2/jwt"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/push"
)

// scope is what an access token is asked for: sending messages, and nothing else of the project.
const scope = "https://www.googleapis.com/auth/firebase.messaging"

// serviceAccount is the key file of a service account.
type serviceAccount struct {
	Type         string `json:"type"`
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
	TokenURI     string `json:"token_uri"`
}

// readCredentials reads and checks the key file of a service account. Mistakes are FieldErrors and hold nothing of its
// content.
func readCredentials(file string) (serviceAccount, error) {
	const field = "credentials_file"
	data, _, err := push.ReadPrivate(field, file)
	if err != nil {
		return serviceAccount{}, err
	}
	var a serviceAccount
	if json.Unmarshal(data, &a) != nil {
		return serviceAccount{}, probe.Fieldf(field, "%s is not the key of a service account in JSON", file)
	}
	var errs []error
	wrong := func(name, want string) { errs = append(errs, probe.Fieldf(field, "%s: %s, want %s", file, name, want)) }
	if a.Type != "service_account" {
		wrong("type is another", "service_account")
	}
	if !isProject(a.ProjectID) {
		wrong("project_id is none", "letters, digits and hyphens")
	}
	if a.ClientEmail == "" {
		wrong("client_email is missing", "the address of the service account")
	}
	if !isRSA(a.PrivateKey) {
		wrong("private_key cannot be read", "an RSA key of at least 2048 bits as PEM")
	}
	if _, err := push.ParseProvider("token_uri", a.TokenURI); err != nil {
		errs = append(errs, probe.Fieldf(field, "%s: %w", file, err))
	}
	return a, errors.Join(errs...)
}

// isProject reports whether the id of a project could be that. The names of the oldest ones are domains.
func isProject(id string) bool {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{3,61}$`).MatchString(id)
}

func isRSA(text string) bool {
	const leastBits = 2048
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	return err == nil && ok && key.N.BitLen() >= leastBits
}

// oauth returns what signs for access tokens.
func (a *serviceAccount) oauth() *jwt.Config {
	return &jwt.Config{
		Email:        a.ClientEmail,
		PrivateKey:   []byte(a.PrivateKey),
		PrivateKeyID: a.PrivateKeyID,
		Scopes:       []string{scope},
		TokenURL:     a.TokenURI,
	}
}
