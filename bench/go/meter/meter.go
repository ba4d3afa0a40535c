// SPDX-License-Identifier: MIT

// Package meter measures the Go half of the benchmarks exactly as native/meter.h and
// lua/meter.lua measure the other two: a warm-up with a tenth of the work, BENCH_REPS
// repetitions on the monotonic clock, and one line with their median.
package meter

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// Size is the program's first argument, or otherwise.
func Size(otherwise int) int {
	if len(os.Args) < 2 {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[1])
	Check(err == nil && n > 0, "the size must be a positive whole number")
	return n
}

// Ops is how many operations a repetition does: n, less in a quick run, and a multiple
// of unit.
func Ops(n, unit int) int {
	n /= setting("BENCH_DIVIDE", 1)
	if n < unit {
		return unit
	}
	return n - n%unit
}

// Report prints the median of samples under a name.
func Report(name string, samples []float64) {
	sort.Float64s(samples)
	n := len(samples)
	fmt.Printf("%s %.3f\n", name, (samples[n/2]+samples[(n-1)/2])/2)
}

// Run reports the nanoseconds that one of ops operations takes; body does as many as it
// is told, always a multiple of unit.
func Run(name string, ops, unit int, body func(ops int)) {
	// on a busy machine, the CPU time of the process instead of the clock
	if setting("BENCH_CPU", 0) > 0 {
		RunTimed(name, ops, unit, func(ops int) time.Duration {
			start := CPUTime()
			body(ops)
			return time.Duration(CPUTime() - start)
		})
		return
	}
	RunTimed(name, ops, unit, func(ops int) time.Duration {
		start := time.Now()
		body(ops)
		return time.Since(start)
	})
}

// RunTimed is Run for a body that tells itself how long it took.
func RunTimed(name string, ops, unit int, body func(ops int) time.Duration) {
	warm := ops / 10
	if warm < unit {
		warm = unit
	}
	body(warm - warm%unit)
	samples := make([]float64, setting("BENCH_REPS", 5))
	for i := range samples {
		samples[i] = float64(body(ops).Nanoseconds()) / float64(ops)
	}
	Report(name, samples)
}

// CPUTime is what this process has used of all CPUs, in nanoseconds.
func CPUTime() float64 {
	var use syscall.Rusage
	Check(syscall.Getrusage(syscall.RUSAGE_SELF, &use) == nil, "getrusage")
	return float64(use.Utime.Nano() + use.Stime.Nano())
}

// statusBytes adds up fields of /proc/self/status that count kilobytes.
func statusBytes(fields ...string) float64 {
	text, err := os.ReadFile("/proc/self/status")
	Check(err == nil, "cannot read /proc/self/status")
	kilobytes := 0
	for _, line := range strings.Split(string(text), "\n") {
		for _, field := range fields {
			if strings.HasPrefix(line, field) {
				n, err := strconv.Atoi(strings.Fields(line)[1])
				Check(err == nil, "a strange /proc/self/status")
				kilobytes += n
			}
		}
	}
	return float64(kilobytes) * 1024
}

// ResidentBytes is the memory of this process, page tables included.
func ResidentBytes() float64 { return statusBytes("VmRSS:", "VmPTE:") }

// Tell prints what is measured once.
func Tell(name string, value float64) { Report(name, []float64{value}) }

// TellPeak prints the most memory that this process has ever held.
func TellPeak(name string) { Tell(name, statusBytes("VmHWM:")) }

// TreeDepth is the depth of a binary tree, less in a quick run.
func TreeDepth(depth int) int {
	if setting("BENCH_DIVIDE", 1) > 1 {
		return depth - 3
	}
	return depth
}

// Random has the same numbers as the other sides; it must not be 0.
type Random uint64

// Next is the next number.
func (r *Random) Next() uint64 {
	x := uint64(*r)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*r = Random(x)
	return x * 0x2545F4914F6CDD1D
}

// Collect runs the collector, so that a measure of memory starts from little.
func Collect() { runtime.GC() }

// Check ends the program with a message unless ok: a wrong result has no speed.
func Check(ok bool, message string) {
	if !ok {
		fmt.Fprintln(os.Stderr, message)
		os.Exit(1)
	}
}
