package applink

import "github.com/channelwatch/channelwatch/internal/probe"

// The kind's own checks.
const (
	fileMissing       probe.CheckID = "applink_file_missing"
	fileRedirected    probe.CheckID = "applink_file_redirected"
	fileInvalid       probe.CheckID = "applink_file_invalid"
	fileType          probe.CheckID = "applink_file_type"
	fileLarge         probe.CheckID = "applink_file_large"
	appMissing        probe.CheckID = "applink_app_missing"
	keyMissing        probe.CheckID = "applink_key_missing"
	linkUnmatched     probe.CheckID = "applink_link_unmatched"
	copyMissing       probe.CheckID = "applink_copy_missing"
	copyDiffers       probe.CheckID = "applink_copy_differs"
	copyPending       probe.CheckID = "applink_copy_pending"
	copyUnknown       probe.CheckID = "applink_copy_unknown"
	includesUnread    probe.CheckID = "applink_includes_unread"
	lockedOut         probe.CheckID = "app_locked_out"
	configUnavailable probe.CheckID = "app_config_unavailable"
	minimumUnreadable probe.CheckID = "app_minimum_unreadable"
	storeUnknown      probe.CheckID = "app_store_unknown"
)

// checks returns what can be wrong with links into an app. Files that devices do not take are poor, because all links
// open a browser then.
//
//nolint:funlen // a table
func checks() []probe.Check {
	const (
		correct   = probe.Correct
		reachable = probe.Reachable
	)
	return []probe.Check{
		{
			ID: fileMissing, Dimension: correct, Cap: probe.Poor, Title: "app links gone",
			Marketing: "Links of the site open the browser instead of the app.",
			IT:        "The file that names the app is not answered with 200; see the detail for which one.",
		},
		{
			ID: fileRedirected, Dimension: correct, Cap: probe.Poor, Title: "app links redirected",
			Marketing: "Links of the site open the browser instead of the app.",
			IT:        "Devices follow no redirect of the file that names the app; check that it is served at this address, host included.",
		},
		{
			ID: fileInvalid, Dimension: correct, Cap: probe.Poor, Title: "app links unreadable",
			Marketing: "Links of the site open the browser instead of the app.",
			IT:        "The file that names the app is not the JSON that devices read; see the detail.",
		},
		{
			ID: fileType, Dimension: correct, Cap: probe.Poor, Title: "app links mistyped",
			Marketing: "Links of the site open the browser instead of the app on Android.",
			IT:        "The file assetlinks.json has to be served as application/json; check the server's content types.",
		},
		{
			ID: fileLarge, Dimension: correct, Cap: probe.Fair, Title: "app links too large",
			Marketing: "Some iPhones may open links of the site in the browser instead of the app.",
			IT:        "The file apple-app-site-association has more than the 128 KiB that Apple named; check its patterns for what can be shortened.",
		},
		{
			ID: appMissing, Dimension: correct, Cap: probe.Poor, Title: "app not named",
			Marketing: "Links of the site open the browser instead of the app.",
			IT:        "The file does not name the app; check team, bundle identifier or package, and the relation of Android's statement.",
		},
		{
			ID: keyMissing, Dimension: correct, Cap: probe.Poor, Title: "app key not named",
			Marketing: "Links of the site open the browser instead of the app on Android.",
			IT:        "The file assetlinks.json names none of the keys that sign the app; check that it has that of Play App Signing, in capitals.",
		},
		{
			ID: linkUnmatched, Dimension: correct, Cap: probe.Poor, Title: "link misses the app",
			Marketing: "A link that should open the app opens the browser.",
			IT:        "No component or path of apple-app-site-association takes the address, or one excludes it; check their order, as the first match decides.",
		},
		{
			ID: copyMissing, Dimension: correct, Cap: probe.Poor, Title: "Apple has no copy",
			Marketing: "New iPhone customers' links open the browser instead of the app.",
			IT:        "Apple could not fetch the file, which iPhones get from Apple only; see its reason, and let its fetcher through the firewall.",
		},
		{
			ID: copyDiffers, Dimension: correct, Cap: probe.Fair, Title: "Apple's copy is old",
			Marketing: "Apple's phones follow an older version of what links open the app.",
			IT:        "Apple's copy differs from a file that is older than a day; check whether Apple's fetcher gets another answer.",
		},
		{
			ID: copyPending, Dimension: correct, Cap: probe.Excellent, Title: "Apple's copy to come",
			Marketing: "Apple may take a day to learn of a change.",
			IT:        "Apple's copy is not that of the site, which is not known to be older than a day; look again after the 24 hours that Apple takes.",
		},
		{
			ID: copyUnknown, Dimension: reachable, Cap: probe.Excellent, Title: "Apple's copy not seen",
			Marketing: "We could not see what Apple tells iPhones; that says nothing about the site.",
			IT:        "Apple's network did not answer the agent; check its way out, or leave ios.copy empty.",
		},
		{
			ID: includesUnread, Dimension: correct, Cap: probe.Excellent, Title: "included files not read",
			Marketing: "We do not know whether links of the site open the app on Android.",
			IT:        "The file assetlinks.json names the app only by including other files, which are not read here; check those.",
		},
		{
			ID: lockedOut, Dimension: correct, Cap: probe.Poor, Title: "customers locked out",
			Marketing: "The app demands an update that the store does not have: customers cannot use it.",
			IT:        "The remote configuration's oldest supported version is newer than the store's; check both, and lower it until the release is out.",
		},
		{
			ID: configUnavailable, Dimension: reachable, Cap: probe.Fair, Title: "no remote configuration",
			Marketing: "The app starts with settings that it remembers, or with none.",
			IT:        "The remote configuration does not answer with a JSON document; see the detail.",
		},
		{
			ID: minimumUnreadable, Dimension: correct, Cap: probe.Fair, Title: "no oldest version",
			Marketing: "The app does not learn which versions still work.",
			IT:        "The remote configuration has no version at the path of the oldest one; see the detail.",
		},
		{
			ID: storeUnknown, Dimension: reachable, Cap: probe.Excellent, Title: "store not read",
			Marketing: "We could not see which version the store has; that says nothing about the app.",
			IT:        "The store did not tell a version, or has had enough requests from this address; see the detail.",
		},
	}
}
