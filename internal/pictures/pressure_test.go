package pictures_test

import "testing"

// result is one call of Keep: the touchpoint, whether it failed, and the numbers of its pictures.
type result struct {
	key     string
	failed  bool
	numbers []int
}

func TestStore_UnderPressure(t *testing.T) {
	const bad, good = true, false
	tests := map[string]struct {
		room    int // pictures
		results []result
		want    []int
	}{
		"oldest good result first": {
			3,
			[]result{{"a", good, []int{1}}, {"b", good, []int{2}}, {"c", good, []int{3}}, {"d", good, []int{4}}},
			[]int{2, 3, 4},
		},
		"a newer good result of the same touchpoint is the younger one": {
			3,
			[]result{{"a", good, []int{1}}, {"b", good, []int{2}}, {"a", good, []int{3}}, {"c", good, []int{4, 5}}},
			[]int{3, 4, 5},
		},
		"good results before failures, however young": {
			3,
			[]result{{"a", bad, []int{1}}, {"b", bad, []int{2}}, {"c", good, []int{3}}, {"d", bad, []int{4}}},
			[]int{1, 2, 4},
		},
		"then the oldest failure": {
			3,
			[]result{{"a", bad, []int{1}}, {"b", bad, []int{2}}, {"c", bad, []int{3}}, {"d", bad, []int{4}}},
			[]int{2, 3, 4},
		},
		"whole results": {
			4,
			[]result{{"a", good, []int{1, 2, 3}}, {"b", good, []int{4, 5}}},
			[]int{4, 5},
		},
		"a good result takes no place of a failure": {
			3,
			[]result{{"a", bad, []int{1, 2}}, {"b", bad, []int{3}}, {"c", good, []int{4}}},
			[]int{1, 2, 3},
		},
		"what it replaces makes room": {
			3,
			[]result{{"a", bad, []int{1}}, {"b", good, []int{2, 3}}, {"b", good, []int{4, 5}}},
			[]int{1, 4, 5},
		},
		"what it replaces makes room once": {
			3,
			[]result{{"a", good, []int{1}}, {"b", good, []int{2, 3}}, {"a", good, []int{4, 5}}},
			[]int{4, 5},
		},
		"what another result holds too makes no room": {
			3,
			[]result{{"a", bad, []int{1, 2}}, {"b", good, []int{1, 2}}, {"b", good, []int{3, 4}}},
			[]int{1, 2},
		},
		"the oldest failure of the touchpoint makes room": {
			4,
			[]result{{"b", bad, []int{9}}, {"a", bad, []int{1}}, {"a", bad, []int{2}}, {"a", bad, []int{3}}, {"a", bad, []int{4}}},
			[]int{2, 3, 4, 9},
		},
		"its own good result goes too": {
			3,
			[]result{{"a", good, []int{1}}, {"a", bad, []int{2}}, {"a", bad, []int{3, 4}}},
			[]int{2, 3, 4},
		},
		"nothing of it stays but the new one": {
			2,
			[]result{{"a", good, []int{1, 2}}, {"a", bad, []int{3, 4}}},
			[]int{3, 4},
		},
		"a picture that another result holds costs nothing": {
			3,
			[]result{{"a", good, []int{1, 2}}, {"b", bad, []int{2, 3}}, {"c", bad, []int{3}}},
			[]int{1, 2, 3},
		},
		"a picture of the result before it is no room": {
			3,
			[]result{{"b", good, []int{9}}, {"a", good, []int{1, 2}}, {"a", good, []int{1, 3}}},
			[]int{1, 3, 9},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store, log := open(t, dir, int64(tt.room)*1024)
			for _, r := range tt.results {
				ev := evidence(r.numbers...)
				store.Keep(r.key, r.failed, ev)
				for p := range ev.Pictures {
					_, _, found := store.Get(p.ID)
					if p.Data != nil || found != (p.ID != "") {
						t.Errorf("%v: a picture with %d bytes of data is found %t by its name %q", r, len(p.Data), found, p.ID)
					}
				}
				if got := store.Bytes(); got > int64(tt.room)*1024 {
					t.Errorf("%v: %d bytes are kept, want at most %d", r, got, tt.room*1024)
				}
			}
			want(t, store, dir, tt.want...)
			if store.Errors() != 0 || log.count("\n") != 0 {
				t.Errorf("%d errors, want none:\n%s", store.Errors(), log.text.String())
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
			again, _ := open(t, dir, int64(tt.room)*1024)
			want(t, again, dir, tt.want...)
		})
	}
}

func TestStore_AResultLargerThanAllRoomIsAnError(t *testing.T) {
	dir := t.TempDir()
	store, log := open(t, dir, 2<<10)
	store.Keep("web/home", false, evidence(1))
	for range 3 {
		ev := evidence(2, 3, 4)
		store.Keep("web/home", false, ev)
		for p := range ev.Pictures {
			if p.Data != nil || p.ID != "" {
				t.Errorf("a picture that is not kept has %d bytes of data and the name %q", len(p.Data), p.ID)
			}
		}
	}
	want(t, store, dir, 1)
	if store.Errors() != 3 || log.count("pictures of web/home: 3072 bytes, want at most the 2048 that all pictures may take") != 1 {
		t.Errorf("%d errors, want 3 that are told once:\n%s", store.Errors(), log.text.String())
	}
	store.Keep("web/home", false, evidence(5))
	want(t, store, dir, 5)
	if log.count("pictures are kept again") != 1 {
		t.Errorf("the log does not say that all is well:\n%s", log.text.String())
	}
}
