package locales

import (
	"encoding/json"
	"path"
	"sync"
)

// Manifest lists the clips of a folder of clips/ by name without the folder.
// It lies beside them as manifest.json, so that what did not change is not made
// again, and so that a machine's voice can be told from a person's.
type Manifest map[string]Made

// Made tells what a clip was made from.
type Made struct {
	From string `json:"from"` // fingerprint of words and voice, or of the recording
	By   string `json:"by"`   // [ByMachine] or [ByPerson]
}

// Who speaks in a clip.
const (
	ByMachine = "synthetic"
	ByPerson  = "person"
)

var made struct {
	once sync.Once
	all  map[string]Manifest
}

func manifests() map[string]Manifest {
	made.once.Do(func() {
		made.all = map[string]Manifest{}
		for _, tag := range Tags() {
			var m Manifest
			data, ok := clipFile(tag + "/manifest.json")
			if ok && json.Unmarshal(data, &m) == nil {
				made.all[tag] = m
			}
		}
	})
	return made.all
}

// Synthetic tells whether a built clip is a machine's voice. Sounds that are no
// words are not.
func Synthetic(clip string) bool {
	folder, name := path.Split(clip)
	one, ok := manifests()[path.Clean(folder)][name]
	return ok && one.By == ByMachine
}
