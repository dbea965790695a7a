package probe

// The shared reasons and checks. Kinds declare their own beside these.
const (
	// Could not be measured: the agent's side. They leave the score and are counted.
	NotMeasured  CheckID = "not_measured"
	AgentBlind   CheckID = "agent_blind"
	AgentStarved CheckID = "agent_starved"
	// Name resolution.
	DNSNotFound      CheckID = "dns_not_found"
	DNSFailed        CheckID = "dns_failed"
	DNSTimeout       CheckID = "dns_timeout"
	AddressForbidden CheckID = "address_forbidden"
	// Connection.
	ConnectRefused     CheckID = "connect_refused"
	ConnectTimeout     CheckID = "connect_timeout"
	ConnectUnreachable CheckID = "connect_unreachable"
	// TLS.
	TLSExpired         CheckID = "tls_expired"
	TLSNotYetValid     CheckID = "tls_not_yet_valid"
	TLSWrongHost       CheckID = "tls_wrong_host"
	TLSUntrusted       CheckID = "tls_untrusted"
	TLSIncompleteChain CheckID = "tls_incomplete_chain"
	TLSHandshake       CheckID = "tls_handshake"
	TLSNotTLS          CheckID = "tls_not_tls"
	TLSALPN            CheckID = "tls_alpn"
	TLSTimeout         CheckID = "tls_timeout"
	// The server certificate of a good handshake: see Result.NoteCertificate.
	CertificateExpiring CheckID = "certificate_expiring"
	CertificateOverdue  CheckID = "certificate_overdue"
	// Request and response.
	SendFailed        CheckID = "send_failed"
	ConnectionClosed  CheckID = "connection_closed"
	ConnectionReset   CheckID = "connection_reset"
	ResponseTimeout   CheckID = "response_timeout"
	ResponseMalformed CheckID = "response_malformed"
	HeaderTooLarge    CheckID = "header_too_large"
	RedirectLoop      CheckID = "redirect_loop"
	RedirectLimit     CheckID = "redirect_limit"
	RedirectForbidden CheckID = "redirect_forbidden"
	RedirectDowngrade CheckID = "redirect_downgrade"
	RedirectMalformed CheckID = "redirect_malformed"
	BodyTruncated     CheckID = "body_truncated"
	BodyTimeout       CheckID = "body_timeout"
	BodyTooLarge      CheckID = "body_too_large"
	EncodingInvalid   CheckID = "encoding_invalid"
	EncodingOdd       CheckID = "encoding_odd"
	// Speed: package quality names the phase that took the longest when a result is slower than good.
	SlowResolve   CheckID = "slow_resolve"
	SlowConnect   CheckID = "slow_connect"
	SlowTLS       CheckID = "slow_tls"
	SlowServer    CheckID = "slow_server"
	SlowDownload  CheckID = "slow_download"
	SlowDelivery  CheckID = "slow_delivery"
	SlowDiscovery CheckID = "slow_discovery"
	SlowContent   CheckID = "slow_content"
	SlowRender    CheckID = "slow_render"
	Slow          CheckID = "slow"

	// WeakestTouchpoint is no finding: the recording rules name with it the points that a channel loses because its
	// score is capped at 20 above its weakest critical touchpoint.
	WeakestTouchpoint CheckID = "weakest_touchpoint"
)

// sharedChecks is the part of the catalogue that does not belong to one kind.
//
//nolint:funlen // a table
func sharedChecks() []Check {
	return []Check{
		{
			NotMeasured, Reachable, Unknown, "not measured",
			"We could not measure this; it says nothing about the channel.",
			"The probe failed on the agent's side; see the detail and the agent's log.",
		},
		{
			AgentBlind, Reachable, Unknown, "agent blind",
			"Our own network was down, so we could not see the channel.",
			"The control probe failed too: not the channel is gone but the agent's network; check its uplink and resolver.",
		},
		{
			AgentStarved, Reachable, Unknown, "agent starved",
			"The measuring computer was overloaded, so its times would be wrong.",
			"The agent's host or scheduler was too starved to time anything; see the observer metrics.",
		},
		{
			DNSNotFound, Reachable, Poor, "name not found",
			"Customers' devices cannot find the address of this service.",
			"The name does not exist or has no address (NXDOMAIN or no data); check zone, delegation and expiry of the domain.",
		},
		{
			DNSFailed, Reachable, Poor, "name lookup failed",
			"Customers' devices get an error when they look up this service.",
			"The resolver failed, refused or was not there; check the one that the agent asks, then the authoritative servers and DNSSEC.",
		},
		{
			DNSTimeout, Reachable, Poor, "name lookup timed out",
			"Looking up this service takes so long that customers give up.",
			"The resolver did not answer in time; check resolver and authoritative servers.",
		},
		{
			AddressForbidden, Correct, Poor, "address not allowed",
			"The service points to an address that customers cannot use.",
			"The name leads to a private, loopback, link-local or metadata address; check its records, or allow_private if that is meant.",
		},
		{
			ConnectRefused, Reachable, Poor, "connection refused",
			"The service is off: customers get an error, or nothing at all.",
			"The port answered with a reset; check that something listens there and that no firewall rejects.",
		},
		{
			ConnectTimeout, Reachable, Poor, "no connection",
			"Customers wait for a connection that never comes.",
			"The handshake (TCP, or QUIC for HTTP/3) did not finish in time; check firewalls and routes for dropped packets, and the server's accept queue.",
		},
		{
			ConnectUnreachable, Reachable, Poor, "unreachable",
			"There is no way through the network to this service.",
			"No route to host or network (ICMP unreachable); check routing and firewalls.",
		},
		{
			TLSExpired, Trusted, Poor, "certificate expired",
			"Browsers warn customers away: the security certificate has expired.",
			"The certificate, or one of its chain, is past notAfter; renew and deploy it.",
		},
		{
			TLSNotYetValid, Trusted, Poor, "certificate not yet valid",
			"Browsers warn customers away: the security certificate is not valid yet.",
			"The date notBefore is in the future; check the certificate and the clocks of both ends.",
		},
		{
			TLSWrongHost, Trusted, Poor, "certificate for another name",
			"Browsers warn customers away: the security certificate belongs to another name.",
			"No subject alternative name matches the host name; check virtual host and SNI configuration.",
		},
		{
			TLSUntrusted, Trusted, Poor, "certificate not trusted",
			"Browsers warn customers away: nobody vouches for the security certificate.",
			"Self-signed, or the chain ends in an authority that is not trusted; compare the chain in the evidence with the one that was issued.",
		},
		{
			TLSIncompleteChain, Trusted, Poor, "certificate chain incomplete",
			"Some customers' devices warn them away, others do not: a part of the security certificate is missing.",
			"The server leaves out an intermediate certificate; add it to what the server sends.",
		},
		{
			TLSHandshake, Reachable, Poor, "TLS handshake failed",
			"Customers cannot open a secure connection to this service.",
			"An alert, no common version or cipher, or a cut connection; check versions, ciphers and client certificates that the server wants.",
		},
		{
			TLSNotTLS, Reachable, Poor, "no TLS on this port",
			"Customers cannot open a secure connection to this service.",
			"The port answered with something that is not TLS; check listener and load balancer.",
		},
		{
			TLSALPN, Reachable, Poor, "no common protocol",
			"Customers' browsers and apps cannot agree with this service on how to talk.",
			"Client and server share no application protocol (ALPN); check which ones the listener offers.",
		},
		{
			TLSTimeout, Reachable, Poor, "TLS timed out",
			"Customers wait for a secure connection that never comes.",
			"The TLS handshake did not finish in time; check the load of whatever ends TLS, and packet loss on the way.",
		},
		{
			CertificateExpiring, Trusted, Good, "certificate to renew",
			"The security certificate is due for renewal; customers notice nothing yet.",
			"Less than a third of the certificate's lifetime is left; check that automatic renewal runs.",
		},
		{
			CertificateOverdue, Trusted, Fair, "certificate overdue",
			"The security certificate ends soon; after that browsers warn customers away.",
			"Less than an eighth of the certificate's lifetime is left; renewal has not worked, renew and deploy it now.",
		},
		{
			SendFailed, Reachable, Poor, "request cut off",
			"The service hangs up while customers are still asking.",
			"The connection broke while the request was being written; check limits of size and time in server and proxies.",
		},
		{
			ConnectionClosed, Reachable, Poor, "hung up",
			"The service hangs up without an answer.",
			"The connection was closed before the first byte of a response; check workers, proxies and their timeouts.",
		},
		{
			ConnectionReset, Reachable, Poor, "connection reset",
			"The service cuts the connection without an answer.",
			"The connection was reset before a complete response header; check workers, proxies and firewalls.",
		},
		{
			ResponseTimeout, Reachable, Poor, "no answer",
			"Customers wait for an answer that never comes.",
			"No complete response header came in time; check the application behind the connection.",
		},
		{
			ResponseMalformed, Reachable, Poor, "broken answer",
			"The service answers with something that apps, and some browsers, cannot read.",
			"The response is not valid HTTP (status line, header, framing, protocol); see the detail, and check application and proxies.",
		},
		{
			HeaderTooLarge, Reachable, Poor, "header too large",
			"The service answers with something that browsers and apps refuse.",
			"The response header is over the limit of the probe; check cookies and generated headers.",
		},
		{
			RedirectLoop, Reachable, Poor, "redirect loop",
			"Customers are sent round in circles and never arrive.",
			"A redirect leads back to a URL already visited; compare the exchanges, and check rules for host, scheme, slash and cookies.",
		},
		{
			RedirectLimit, Reachable, Poor, "too many redirects",
			"Customers are passed on so often that they never arrive.",
			"There are more redirects than the touchpoint allows; look at the exchanges for rules that could be one.",
		},
		{
			RedirectForbidden, Correct, Poor, "sent elsewhere",
			"Customers are sent to a site where they should not land.",
			"A redirect leads to a host that redirects.hosts does not allow, or would take the request body to another site; see the detail.",
		},
		{
			RedirectDowngrade, Trusted, Poor, "sent to an insecure page",
			"Customers are sent from a secure page to an insecure one.",
			"A redirect leads from https to http; look for it in the exchanges, and check which scheme the application thinks it has.",
		},
		{
			RedirectMalformed, Reachable, Poor, "broken redirect",
			"Customers are sent on, but to nowhere.",
			"A redirect has no usable Location; look at the last exchange, and check the rule or code that sent it.",
		},
		{
			BodyTruncated, Correct, Poor, "cut off",
			"Customers get only a part of the content.",
			"The body ended before its declared length or last chunk; check for crashes, and timeouts of proxies.",
		},
		{
			BodyTimeout, Reachable, Poor, "download hung",
			"The content stops coming before it is complete.",
			"The body was not complete in time; check back end, proxy buffers and bandwidth.",
		},
		{
			BodyTooLarge, Correct, Poor, "too much content",
			"The content is far larger than customers' devices should get.",
			"The body, or what it unpacks to, is over max_body; check what is served, or that limit.",
		},
		{
			EncodingInvalid, Correct, Poor, "unreadable content",
			"Customers' browsers and apps may be unable to unpack the content.",
			"The body is not what Content-Encoding says; compare both in the evidence, and check compression in server and CDN.",
		},
		{
			EncodingOdd, Correct, Good, "odd compression",
			"Browsers show the content, but stricter apps and proxies may refuse it.",
			"Content-Encoding names no known coding, or a gzip stream lacks its trailer or goes on after it; check what compresses.",
		},
		{
			SlowResolve, Fast, Excellent, "slow name lookup",
			"Customers wait because the address of the service is slow to find.",
			"Name resolution is the longest phase; check resolvers, TTLs and CNAME chains.",
		},
		{
			SlowConnect, Fast, Excellent, "slow connection",
			"Customers wait because the connection is slow to open.",
			"The TCP handshake is the longest phase; check distance, loss and accept queues.",
		},
		{
			SlowTLS, Fast, Excellent, "slow secure connection",
			"Customers wait because the secure connection is slow to open.",
			"The TLS handshake is the longest phase; check chain size, key type, OCSP and CPU.",
		},
		{
			SlowServer, Fast, Excellent, "slow server",
			"Customers wait because the service takes long to answer.",
			"Time to first byte is the longest phase; check application, database and cache.",
		},
		{
			SlowDownload, Fast, Excellent, "slow download",
			"Customers wait because the content is slow to arrive.",
			"Receiving the body is the longest phase; check size, compression and bandwidth.",
		},
		{
			SlowDelivery, Fast, Excellent, "slow delivery",
			"Messages arrive, but late.",
			"The time from sending to arrival is over the limit; check broker queues and consumers.",
		},
		{
			SlowDiscovery, Fast, Excellent, "main content starts late",
			"Customers wait because the browser learns late what the page's main picture or text is.",
			"The time from the first byte until the largest content began to load is the longest part; check preloads, lazy loading and what scripts insert.",
		},
		{
			SlowContent, Fast, Excellent, "slow main content",
			"Customers wait because the page's main picture is slow to arrive.",
			"The largest content's own load is the longest part of its paint; check its size, format, cache and host.",
		},
		{
			SlowRender, Fast, Excellent, "slow to show",
			"Customers wait because the browser cannot show yet what it already has.",
			"The time from load to paint of the largest content is the longest part; check style sheets and scripts that block, and fonts.",
		},
		{
			Slow, Fast, Excellent, "slow",
			"Customers wait longer than agreed.",
			"The total is over the limit, and no phase explains it; see the evidence for what took so long.",
		},
		{
			WeakestTouchpoint, Reachable, Excellent, "weakest touchpoint",
			"One important part of the channel is so weak that the rest cannot make up for it.",
			"The channel's score is capped at 20 above its weakest critical touchpoint; see that touchpoint's causes.",
		},
	}
}
