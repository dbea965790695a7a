package browser

import (
	"slices"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// The reasons that only this kind has.
const (
	pageCrashed    probe.Reason = "page_crashed"
	pageHung       probe.Reason = "page_hung"
	portBlocked    probe.Reason = "port_blocked"
	pageDownload   probe.Reason = "page_download"
	nothingPainted probe.Reason = "nothing_painted"
	pageTooLarge   probe.Reason = "page_too_large"
	stepFailed     probe.Reason = "step_failed"
)

// The reasons that are the agent's own.
const (
	browserMissing probe.Reason = "browser_missing"
	browserSandbox probe.Reason = "browser_sandbox"
	browserFailed  probe.Reason = "browser_failed"
	browserCrashed probe.Reason = "browser_crashed"
	browserStarved probe.Reason = "browser_starved"
)

// What a page that loaded can be found to be.
const (
	layoutShiftSlight     probe.CheckID = "layout_shift_slight"
	layoutShift           probe.CheckID = "layout_shift"
	layoutShiftHeavy      probe.CheckID = "layout_shift_heavy"
	blockingScriptsSlight probe.CheckID = "blocking_scripts_slight"
	blockingScripts       probe.CheckID = "blocking_scripts"
	blockingScriptsHeavy  probe.CheckID = "blocking_scripts_heavy"
	slowInteractionSlight probe.CheckID = "slow_interaction_slight"
	slowInteraction       probe.CheckID = "slow_interaction"
	slowInteractionHeavy  probe.CheckID = "slow_interaction_heavy"

	jsErrors              probe.CheckID = "js_errors"
	neverLoaded           probe.CheckID = "never_loaded"
	neverLoadedThirdParty probe.CheckID = "never_loaded_third_party"
	dialogBoxes           probe.CheckID = "dialog_boxes"
	dialogBoxesMany       probe.CheckID = "dialog_boxes_many"
	runsFailed            probe.CheckID = "runs_failed"
	failedRequests        probe.CheckID = "failed_requests"
	failedThirdParty      probe.CheckID = "failed_third_party"
	overBudget            probe.CheckID = "over_budget"
	unapprovedSite        probe.CheckID = "unapproved_site"
	mixedContent          probe.CheckID = "mixed_content"
	cookiesEarly          probe.CheckID = "cookies_before_consent"
	ownCookiesEarly       probe.CheckID = "own_cookies_before_consent"
	softNotFound          probe.CheckID = "soft_404"
	selectorMissing       probe.CheckID = "selector_missing"

	// These three are declared by kind page too, word for word.
	titleWrong    probe.CheckID = "title_wrong"
	finalURLWrong probe.CheckID = "final_url_wrong"
	notHTTPS      probe.CheckID = "not_https"
)

// checks returns what a visit can be found to be, beside what the shared reasons say.
func checks() []probe.Check {
	list := slices.Concat(reasons(), agentReasons(), steadiness(), visits(), parts(), expectations())
	for _, check := range assert.Checks() {
		switch check.ID {
		case assert.StatusUnexpected, assert.TextMissing, assert.TextForbidden:
			list = append(list, check)
		}
	}
	return list
}

// reasons say why customers do not get the page, beside the shared ones.
func reasons() []probe.Check {
	return []probe.Check{
		{
			ID: pageCrashed, Dimension: probe.Reachable, Cap: probe.Poor, Title: "page crashes",
			Marketing: "The page crashes in customers' browsers.",
			IT:        "The renderer ended; see the detail for whether it did so again in a fresh context, and check the memory that scripts take, and the console.",
		},
		{
			ID: pageHung, Dimension: probe.Reachable, Cap: probe.Poor, Title: "page freezes",
			Marketing: "The page freezes: customers can neither read nor click.",
			IT:        "The main thread stopped answering; look at the console and the last requests, and check scripts for endless loops.",
		},
		{
			ID: portBlocked, Dimension: probe.Reachable, Cap: probe.Poor, Title: "port that browsers block",
			Marketing: "Customers' browsers refuse to open this page.",
			IT:        "Browsers block the port of the address (WHATWG Fetch, bad ports); check it, or serve the page on another one.",
		},
		{
			ID: pageDownload, Dimension: probe.Correct, Cap: probe.Poor, Title: "download instead of page",
			Marketing: "Customers get a file to download where they expect a page.",
			IT:        "The address answers with a download; check Content-Type and Content-Disposition.",
		},
		{
			ID: nothingPainted, Dimension: probe.Reachable, Cap: probe.Poor, Title: "blank page",
			Marketing: "Customers see a blank page.",
			IT:        "The document arrived but nothing of it was painted in time; see the console, and check scripts and style sheets that block.",
		},
		{
			ID: pageTooLarge, Dimension: probe.Correct, Cap: probe.Poor, Title: "page far too heavy",
			Marketing: "The page is far larger than customers' devices should get.",
			IT:        "The visit was stopped at the cap on bytes or requests; look for loops and large files in the requests.",
		},
		{
			ID: stepFailed, Dimension: probe.Correct, Cap: probe.Poor, Title: "journey broken",
			Marketing: "Customers cannot finish what they came to do on this page.",
			IT:        "A step did not find what it needs; see the detail and the picture, and check the page, or the step when the page has changed.",
		},
	}
}

// agentReasons are troubles of the agent. They say nothing about the channel.
func agentReasons() []probe.Check {
	return []probe.Check{
		{
			ID: browserMissing, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "no browser",
			Marketing: "We could not measure this: the measuring computer has no browser.",
			IT:        "No Chromium was found; see the detail for what to install, or check browser.path.",
		},
		{
			ID: browserSandbox, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "no sandbox",
			Marketing: "We could not measure this: the measuring computer cannot run a browser safely.",
			IT:        "Chromium found no sandbox that it can use; see the detail, and check user namespaces, seccomp and the package chromium-sandbox.",
		},
		{
			ID: browserFailed, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "browser does not start",
			Marketing: "We could not measure this: the browser of the measuring computer does not start.",
			IT:        "Chromium could not be started or driven; see the detail, and check memory, /dev/shm and disk space of the agent's host.",
		},
		{
			ID: browserCrashed, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "browser crashed",
			Marketing: "We could not measure this: the browser of the measuring computer crashed.",
			IT:        "The whole browser ended during the visit, not only the page; check the memory of the agent's host and what killed it.",
		},
		{
			ID: browserStarved, Dimension: probe.Reachable, Cap: probe.Unknown, Title: "browser starved",
			Marketing: "We could not measure this: the measuring computer was too busy to time a page.",
			IT:        "A fixed script took more than twice as long as at best; check the load of the agent's host, or the concurrency of the browser.",
		},
	}
}

// steadiness are findings of how the page behaves once it is there. Bounds are those of Core Web Vitals; see record 018.
func steadiness() []probe.Check {
	return []probe.Check{
		{
			ID: layoutShiftSlight, Dimension: probe.Correct, Cap: probe.Good, Title: "page shifts a little",
			Marketing: "Parts of the page move a little while it loads; few customers mind.",
			IT:        "Cumulative Layout Shift is over 0.05; see which node moved, and check sizes of pictures and ads.",
		},
		{
			ID: layoutShift, Dimension: probe.Correct, Cap: probe.Fair, Title: "page shifts",
			Marketing: "Parts of the page move while customers read, so that they lose their place.",
			IT:        "Cumulative Layout Shift is over 0.1; see which node moved, and check sizes of pictures, ads and fonts.",
		},
		{
			ID: layoutShiftHeavy, Dimension: probe.Correct, Cap: probe.Poor, Title: "page jumps",
			Marketing: "The page jumps so much that customers click on the wrong thing.",
			IT:        "Cumulative Layout Shift is over 0.25; see which node moved, and check what is inserted above content that is already shown.",
		},
		{
			ID: blockingScriptsSlight, Dimension: probe.Fast, Cap: probe.Good, Title: "scripts block a little",
			Marketing: "Scripts keep the page busy for a moment while it loads; few customers notice.",
			IT:        "Total Blocking Time is over 100 ms; see which scripts ran long, and look for work that can wait.",
		},
		{
			ID: blockingScripts, Dimension: probe.Fast, Cap: probe.Fair, Title: "scripts block",
			Marketing: "Scripts keep the page busy, so that clicks and scrolling lag while it loads.",
			IT:        "Total Blocking Time is over 200 ms; see which scripts ran long, and look for tags and bundles to split or defer.",
		},
		{
			ID: blockingScriptsHeavy, Dimension: probe.Fast, Cap: probe.Poor, Title: "scripts freeze the page",
			Marketing: "Scripts freeze the page for so long that customers think it is broken.",
			IT:        "Total Blocking Time is over 600 ms; see which scripts ran long, and check whether all of them are needed.",
		},
		{
			ID: slowInteractionSlight, Dimension: probe.Fast, Cap: probe.Good, Title: "reacts a little late",
			Marketing: "The page reacts to clicks a little late; few customers notice.",
			IT:        "Interaction to Next Paint is over 100 ms; look at the handlers of the steps' clicks and keys.",
		},
		{
			ID: slowInteraction, Dimension: probe.Fast, Cap: probe.Fair, Title: "reacts late",
			Marketing: "The page reacts late when customers click or type.",
			IT:        "Interaction to Next Paint is over 200 ms; look at the handlers of the steps' clicks and keys.",
		},
		{
			ID: slowInteractionHeavy, Dimension: probe.Fast, Cap: probe.Poor, Title: "hardly reacts",
			Marketing: "The page reacts so late that customers click twice or give up.",
			IT:        "Interaction to Next Paint is over 500 ms; look at the handlers of the steps' clicks and keys, and at what they wait for.",
		},
	}
}

// visits are findings of how visits went.
func visits() []probe.Check {
	return []probe.Check{
		{
			ID: neverLoaded, Dimension: probe.Fast, Cap: probe.Poor, Title: "never done loading",
			Marketing: "Parts of the page, such as its main picture, do not come in any time that customers wait.",
			IT:        "The load event did not come within the visit; see in the detail what the page waits for. Largest content is what was painted before.",
		},
		{
			ID: neverLoadedThirdParty, Dimension: probe.Fast, Cap: probe.Fair, Title: "waits for partners",
			Marketing: "The page waits for parts of partners that do not come; customers see it loading on and on.",
			IT:        "The load event did not come within the visit because of third parties; see the detail, and load them so that nothing waits.",
		},
		{
			ID: dialogBoxes, Dimension: probe.Correct, Cap: probe.Good, Title: "dialog box",
			Marketing: "A box pops up in front of customers while the page loads; they have to close it first.",
			IT:        "Scripts call alert, confirm or prompt while the page loads; look for them in the page and its tags.",
		},
		{
			ID: dialogBoxesMany, Dimension: probe.Correct, Cap: probe.Poor, Title: "box after box",
			Marketing: "Box after box pops up in front of customers, so that they cannot use the page.",
			IT:        "Scripts call alert, confirm or prompt again and again while the page loads; look for loops and timers in the page and its tags.",
		},
		{
			ID: runsFailed, Dimension: probe.Reachable, Cap: probe.Fair, Title: "fails now and then",
			Marketing: "The page opens for most customers, but fails for some of them.",
			IT:        "Some runs of this probe failed while most went well; see why in the detail, and look for a server of many that is out of order.",
		},
	}
}

// parts are findings of what the page is made of and what it brings along.
func parts() []probe.Check {
	return []probe.Check{
		{
			ID: jsErrors, Dimension: probe.Correct, Cap: probe.Good, Title: "script errors",
			Marketing: "Scripts of the page fail; some things on it may not work for customers.",
			IT:        "JavaScript errors were not caught; see the console in the evidence.",
		},
		{
			ID: failedRequests, Dimension: probe.Correct, Cap: probe.Fair, Title: "parts missing",
			Marketing: "Parts of the page, such as pictures or styles, do not arrive.",
			IT:        "Requests to the page's own site got no answer or an error; see the detail and the requests in the evidence.",
		},
		{
			ID: failedThirdParty, Dimension: probe.Correct, Cap: probe.Good, Title: "partners' parts missing",
			Marketing: "Parts that partners bring to the page, such as ads or tags, do not arrive.",
			IT:        "Requests to third parties got no answer or an error; see the detail and the requests in the evidence.",
		},
		{
			ID: overBudget, Dimension: probe.Fast, Cap: probe.Fair, Title: "over budget",
			Marketing: "The page is heavier than agreed, which customers on phones pay for.",
			IT:        "The page is over its budget of bytes, requests, third-party sites or script errors; see the detail, and compare with older visits.",
		},
		{
			ID: unapprovedSite, Dimension: probe.Trusted, Cap: probe.Fair, Title: "unknown partner",
			Marketing: "The page loads something from a company that nobody has approved.",
			IT:        "A third party is not in approved_domains; see its name in the detail, and look for what asks for it in the requests.",
		},
		{
			ID: mixedContent, Dimension: probe.Trusted, Cap: probe.Fair, Title: "insecure parts",
			Marketing: "The page is secure, but parts of it are not, which browsers block or warn of.",
			IT:        "A page over https asks for parts over http; see the addresses in the detail, and look for them in templates and tags.",
		},
		{
			ID: cookiesEarly, Dimension: probe.Trusted, Cap: probe.Good, Title: "cookies before consent",
			Marketing: "Other companies mark customers before they have agreed to it.",
			IT:        "Third-party cookies were set before any click; see their names in the detail, and check what the consent tool lets through.",
		},
		{
			ID: ownCookiesEarly, Dimension: probe.Trusted, Cap: probe.Good, Title: "lasting cookies before consent",
			Marketing: "The page marks customers for their next visits before they have agreed to it.",
			IT:        "Cookies of the page's own site that outlive the session were set before any click; check which of those in the detail are needed.",
		},
		{
			ID: softNotFound, Dimension: probe.Correct, Cap: probe.Fair, Title: "page says not found",
			Marketing: "Customers read that the page does not exist, while search engines take it for a real one.",
			IT:        "The status is fine, but title, heading or text say not found; check routing, and answer 404 for what does not exist.",
		},
	}
}

// expectations are findings of what the configuration asks for.
func expectations() []probe.Check {
	return []probe.Check{
		{
			ID: selectorMissing, Dimension: probe.Correct, Cap: probe.Poor, Title: "element missing",
			Marketing: "Something that customers need is not on the page.",
			IT:        "No element matches a selector of expect.selector; see the picture, and compare the selector with the page.",
		},
		{
			ID: titleWrong, Dimension: probe.Correct, Cap: probe.Fair, Title: "wrong title",
			Marketing: "The page has another title than agreed, in the browser and in search results.",
			IT:        "The first title element does not match expect.title; check whether the right page or template is served.",
		},
		{
			ID: finalURLWrong, Dimension: probe.Correct, Cap: probe.Poor, Title: "wrong landing page",
			Marketing: "Customers land on another page than they should.",
			IT:        "The URL after all redirects does not match expect.final_url; see the way there in the evidence.",
		},
		{
			ID: notHTTPS, Dimension: probe.Trusted, Cap: probe.Fair, Title: "not secure",
			Marketing: "Browsers mark this page as not secure.",
			IT:        "The page is served by plain http; add a redirect to https.",
		},
	}
}
