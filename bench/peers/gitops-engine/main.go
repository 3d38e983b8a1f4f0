// Times the comparison of Argo CD's gitops-engine on pairs of desired and live objects, on one thread.
//
//	gitops-engine PAIRS.json SECONDS
//
// PAIRS.json is [{"name", "desired", "live", "lastApplied"?}]; the answer is one line of JSON on stdout.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type pair struct {
	Name        string         `json:"name"`
	Desired     map[string]any `json:"desired"`
	Live        map[string]any `json:"live"`
	LastApplied map[string]any `json:"lastApplied"`
}

type prepared struct {
	name    string
	desired *unstructured.Unstructured
	live    *unstructured.Unstructured
	// What the first comparison said; every later one is checked against it.
	modified bool
}

type result struct {
	Pairs        int      `json:"pairs"`
	PairsPerS    float64  `json:"pairs_per_s"`
	PairsPerCPUS float64  `json:"pairs_per_cpu_s"`
	BytesPerPair uint64   `json:"bytes_per_pair"`
	Modified     []string `json:"modified"`
}

// Argo CD ignores the status of every resource by default (resource.compareoptions ignoreResourceStatusField: all).
type withoutStatus struct{}

func (withoutStatus) Normalize(object *unstructured.Unstructured) error {
	unstructured.RemoveNestedField(object.Object, "status")
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: gitops-engine PAIRS.json SECONDS")
	}
	seconds, err := strconv.ParseFloat(args[1], 64)
	if err != nil || seconds <= 0 {
		return fmt.Errorf("%q is no number of seconds", args[1])
	}
	// The collector may use no other core, so that processor time and elapsed time are of one thread.
	runtime.GOMAXPROCS(1)
	pairs, err := load(args[0])
	if err != nil {
		return err
	}
	measured, err := measure(pairs, time.Duration(seconds*float64(time.Second)))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(measured)
}

func load(file string) ([]prepared, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	if err := json.Unmarshal(text, &pairs); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	loaded := make([]prepared, 0, len(pairs))
	for _, one := range pairs {
		made, err := prepare(one)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.Name, err)
		}
		loaded = append(loaded, made)
	}
	return loaded, nil
}

// prepare gives live the annotation that Argo CD writes on apply, without which its comparison has two ways only, and takes
// the first verdict, which also warms up what the engine builds once.
func prepare(one pair) (prepared, error) {
	made := prepared{name: one.Name, desired: &unstructured.Unstructured{Object: one.Desired}}
	if one.Live != nil {
		made.live = &unstructured.Unstructured{Object: one.Live}
		applied := one.LastApplied
		if applied == nil {
			applied = one.Desired
		}
		if err := annotate(made.live, applied); err != nil {
			return prepared{}, err
		}
	}
	verdict, err := compare(made)
	made.modified = verdict
	return made, err
}

func annotate(live *unstructured.Unstructured, applied map[string]any) error {
	text, err := json.Marshal(applied)
	if err != nil {
		return err
	}
	annotations := live.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[diff.AnnotationLastAppliedConfig] = string(text)
	live.SetAnnotations(annotations)
	return nil
}

func compare(one prepared) (bool, error) {
	found, err := diff.Diff(one.desired, one.live, diff.WithNormalizer(withoutStatus{}))
	if err != nil {
		return false, err
	}
	return found.Modified, nil
}

func measure(pairs []prepared, duration time.Duration) (result, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpuBefore := cpuTime()
	startedAt := time.Now()
	rounds := 0
	for rounds == 0 || time.Since(startedAt) < duration {
		for _, one := range pairs {
			modified, err := compare(one)
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", one.name, err)
			}
			if modified != one.modified {
				return result{}, fmt.Errorf("%s: the verdict changed from one round to the next", one.name)
			}
		}
		rounds++
	}
	elapsed, cpu := time.Since(startedAt), cpuTime()-cpuBefore
	runtime.ReadMemStats(&after)
	count := rounds * len(pairs)
	return result{
		Pairs:        count,
		PairsPerS:    float64(count) / elapsed.Seconds(),
		PairsPerCPUS: float64(count) / cpu.Seconds(),
		BytesPerPair: (after.TotalAlloc - before.TotalAlloc) / uint64(count),
		Modified:     modifiedNames(pairs),
	}, nil
}

func modifiedNames(pairs []prepared) []string {
	names := []string{}
	for _, one := range pairs {
		if one.modified {
			names = append(names, one.name)
		}
	}
	return names
}

// cpuTime is the processor time of the whole process, its garbage collector included.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
