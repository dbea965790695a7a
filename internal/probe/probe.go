// Package probe is the domain of Channelwatch: channels, touchpoints, kinds, results, findings and the closed lists
// that they draw on. Everybody may import it; it imports the standard library only.
//
// A kind measures and never rates; package quality rates. A kind never touches a metrics registry: metrics, help
// texts, documentation and pages follow from the Result and the Catalogue.
package probe
