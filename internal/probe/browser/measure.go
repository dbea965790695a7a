package browser

import (
	"maps"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// vitalValues returns the vitals of a load that were measured, by name; all are seconds but cls.
func vitalValues(v *pageload.Vitals) map[string]float64 {
	values := make(map[string]float64)
	for name, d := range map[string]*time.Duration{
		ttfb: v.TTFB, fcp: v.FCP, lcp: v.LCP, tbt: v.TBT, inp: v.INP, domReady: v.DOMReady, loaded: v.Loaded,
	} {
		if d != nil {
			values[name] = d.Seconds()
		}
	}
	if v.CLS != nil {
		values[cls] = *v.CLS
	}
	return values
}

// measure returns the numbers of a visit in which the page did what it should.
func (v *visit) measure() []probe.Measurement {
	var list []probe.Measurement
	add := func(metric, label string, value float64) {
		list = append(list, probe.Measurement{Metric: metric, Label: label, Value: value})
	}
	values := vitalValues(&v.vitals)
	for _, name := range vitals() {
		if value, ok := values[name]; ok {
			add(webVital, name, value)
		}
	}
	if shift, ok := values[cls]; ok {
		add(webVitalLayoutShift, "", shift)
	}
	v.measureWeight(add)
	load := v.load
	add(pageFailedRequests, noAnswer, float64(load.Counts.Failed))
	add(pageFailedRequests, httpError, float64(load.Counts.HTTPErrors))
	add(pageJSErrors, "", float64(load.Counts.JSErrors))
	for _, level := range levels() {
		add(pageConsole, level, float64(load.Counts.Console[level]))
	}
	cookies := map[string]int{}
	for _, cookie := range v.cookies {
		cookies[party(cookie.ThirdParty)]++
	}
	for _, party := range parties() {
		add(pageCookies, party, float64(cookies[party]))
	}
	for _, protocol := range protocols() {
		add(pageProtocols, protocol, float64(load.Counts.Protocols[protocol]))
	}
	add(pageNodes, "", float64(load.Content.Nodes))
	add(pageLongTasks, "", float64(v.vitals.LongTasks))
	add(pageRedirects, "", float64(load.Redirect))
	add(pageInsecure, "", float64(load.Weight.Insecure))
	add(visitSeconds, "", v.wall.Seconds())
	add(visitCPU, "", v.cpu.Seconds())
	settled := 0.0
	if load.Settled {
		settled = 1
	}
	add(visitSettled, "", settled)
	return list
}

// measureWeight adds what the page transferred. A type without requests is 0 here: there was a page.
func (v *visit) measureWeight(add func(metric, label string, value float64)) {
	weight := &v.load.Weight
	bytes, requests := map[string]int64{}, map[string]int{}
	known := types()
	for name, n := range weight.Bytes {
		bytes[among(known, name)] += n
	}
	for name, n := range weight.Requests {
		requests[among(known, name)] += n
	}
	for _, name := range known {
		add(pageLoadBytes, name, float64(bytes[name]))
	}
	for _, name := range known {
		add(pageLoadRequests, name, float64(requests[name]))
	}
	add(pagePartyBytes, first, float64(weight.First.Bytes))
	add(pagePartyBytes, third, float64(weight.Third.Bytes))
	add(pagePartyRequests, first, float64(weight.First.Requests))
	add(pagePartyRequests, third, float64(weight.Third.Requests))
	add(pageThirdPartySites, "", float64(len(weight.Sites)))
}

// among returns the name when it is known, else other.
func among(known []string, name string) string {
	if slices.Contains(known, name) {
		return name
	}
	return other
}

func party(thirdParty bool) string {
	if thirdParty {
		return third
	}
	return first
}

// total returns all bytes and requests of a page.
func total(weight *pageload.Weight) pageload.Party {
	var sum pageload.Party
	for n := range maps.Values(weight.Bytes) {
		sum.Bytes += n
	}
	for n := range maps.Values(weight.Requests) {
		sum.Requests += n
	}
	return sum
}
