// SPDX-License-Identifier: MIT

// How long does an element of a sum take in a parallel loop over `size` of them, a chunk of
// one short number (.fine), a whole loop over 64 that are nothing (.small), a row of the
// Mandelbrot set (.rows), and one of a hundred jobs that are waited for (.jobs)?
package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	"../meter"
)

const (
	fine     = 20000
	small    = 64
	rowCount = 200
	columns  = 200
	stepsMax = 200
	jobs     = 100
)

var total int64
var marks [fine]uint32

// A goroutine for each P; with a grain they take chunks from a common counter, else each has
// its share.
func parallelFor(n, grain int, fn func(begin, end int)) {
	procs := runtime.GOMAXPROCS(0)
	var next int64
	var done sync.WaitGroup
	run := func(mine int) {
		if grain == 0 {
			fn(n*mine/procs, n*(mine+1)/procs)
			return
		}
		for {
			begin := int(atomic.AddInt64(&next, int64(grain))) - grain
			if begin >= n {
				return
			}
			end := begin + grain
			if end > n {
				end = n
			}
			fn(begin, end)
		}
	}
	done.Add(procs - 1)
	for i := 1; i < procs; i++ {
		go func(mine int) {
			run(mine)
			done.Done()
		}(i)
	}
	run(0)
	done.Wait()
}

func mark(begin, end int) {
	for i := begin; i < end; i++ {
		x := uint32(i) + 1
		for step := 0; step < 20; step++ {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
		}
		marks[i] = x
	}
}

func touch(begin, end int) {
	for i := begin; i < end; i++ {
		marks[i]++
	}
}

func row(y int) int64 {
	var steps int64
	for x := 0; x < columns; x++ {
		a, b := 0.0, 0.0
		re := 3.0*float64(x)/columns - 2
		im := 2.0*float64(y)/rowCount - 1
		for i := 0; i < stepsMax && a*a+b*b < 4; i++ {
			a, b = a*a-b*b+re, 2*a*b+im
			steps++
		}
	}
	return steps
}

func rows(begin, end int) {
	for y := begin; y < end; y++ {
		atomic.AddInt64(&total, row(y))
	}
}

func main() {
	size := meter.Size(1000000)
	numbers := make([]float64, size)
	for i := range numbers {
		numbers[i] = 1
	}
	var allSteps int64
	for y := 0; y < rowCount; y++ {
		allSteps += row(y)
	}
	addUp := func(begin, end int) {
		sum := 0.0
		for _, number := range numbers[begin:end] {
			sum += number
		}
		atomic.AddInt64(&total, int64(sum))
	}
	meter.Run("loop", meter.Ops(100*size, size), size, func(ops int) {
		for i := 0; i < ops; i += size {
			total = 0
			parallelFor(size, 0, addUp)
			meter.Check(total == int64(size), "the sum is wrong")
		}
	})
	meter.Run("loop.fine", meter.Ops(50*fine, fine), fine, func(ops int) {
		for i := 0; i < ops; i += fine {
			marks[fine-1] = 0
			parallelFor(fine, 1, mark)
			meter.Check(marks[fine-1] != 0, "a chunk is missing")
		}
	})
	meter.Run("loop.small", meter.Ops(200000, 1), 1, func(ops int) {
		marks[small-1] = 0
		for i := 0; i < ops; i++ {
			parallelFor(small, 0, touch)
		}
		meter.Check(marks[small-1] == uint32(ops), "a loop is missing")
	})
	meter.Run("loop.rows", meter.Ops(20*rowCount, rowCount), rowCount, func(ops int) {
		for i := 0; i < ops; i += rowCount {
			total = 0
			parallelFor(rowCount, 1, rows)
			meter.Check(total == allSteps, "a row is missing")
		}
	})
	meter.Run("loop.jobs", meter.Ops(400000, jobs), jobs, func(ops int) {
		total = 0
		for i := 0; i < ops; i += jobs {
			var done sync.WaitGroup
			for j := 0; j < jobs; j++ {
				done.Add(1)
				go func() {
					atomic.AddInt64(&total, 1)
					done.Done()
				}()
			}
			done.Wait()
		}
		meter.Check(total == int64(ops), "a job is missing")
	})
}
