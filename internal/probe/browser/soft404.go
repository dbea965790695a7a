package browser

import (
	"regexp"

	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of pages that only say that there is nothing, in words.
const (
	fewWords = 250 // navigation and footer of a shop included, but no article that happens to be about missing pages
	noWords  = 40  // nothing else at all
)

// notFound is what titles and headings of such pages say, from their beginning to their end but for a name around it. It is
// strict: a shop sells shirts with "404" on them.
var notFound = regexp.MustCompile(`^(?:[^|–—·:-]{0,60}[|–—·:-] *)?` +
	`(?:(?:error|fehler|erreur|erro|errore|fout|fel|błąd)? *404(?: *[-–—:|!.]? *(?:error|fehler|` + sayings + `))?|` + sayings + `)` +
	`[.!…]*(?: *[|–—·:-].{0,60})?$`)

// notFoundInside is what the text of such pages says somewhere.
var notFoundInside = regexp.MustCompile(`\b` + sayings)

// sayings are how languages put it.
const sayings = `(?:sorry,? *|oops[,!.]* *|ups[,!.]* *|leider *|désolé,? *)?(?:` +
	`(?:the |this |that )?(?:requested )?(?:page|product|site|article) (?:(?:was |is |could |can)?not (?:be )?found|does ?(?:n[o']t|n’t) exist)` +
	`|not found` +
	`|(?:die |diese )?(?:angeforderte |gewünschte )?(?:seite|artikel|produkt) (?:(?:wurde |konnte )?(?:leider )?nicht gefunden(?: werden)?|existiert (?:leider )?nicht)` +
	`|(?:la |cette )?page (?:non trouvée|introuvable|n['’]existe pas)` +
	`|(?:la )?p[áa]gina (?:no encontrada|no existe|não encontrada|não existe|non trovata|non esiste)` +
	`|pagina niet gevonden|sidan (?:kunde inte hittas|hittades inte)|siden (?:blev ikke fundet|ble ikke funnet)|sivua ei löyty(?:nyt)?` +
	`|(?:nie znaleziono strony|strona nie (?:została znaleziona|istnieje))|stránka nenalezena|страница не найдена|sayfa bulunamadı|ページが見つかりません|页面不存在|找不到页面` +
	`)`

// soft404 finds pages that say that they do not exist with a status that says that they do. Both title and heading
// have to say so, or one of them on a page with little else to read, or the text of a page with nothing else.
func soft404(load *pageload.Load) *probe.Finding {
	title, heading := readable(load.Content.Title), readable(load.Content.Heading)
	inTitle, inHeading := notFound.MatchString(title), notFound.MatchString(heading)
	words := load.Content.Words
	switch {
	case inHeading && (inTitle || words <= fewWords):
		return probe.Findingf(softNotFound, "status %d, but the heading says %q", load.Status, quotable(collapse(load.Content.Heading)))
	case inTitle && words <= fewWords:
		return probe.Findingf(softNotFound, "status %d, but the title says %q", load.Status, quotable(collapse(load.Content.Title)))
	}
	if said := notFoundInside.FindString(readable(load.Text)); said != "" && words <= noWords {
		return probe.Findingf(softNotFound, "status %d, but the text says %q", load.Status, quotable(said))
	}
	return nil
}
