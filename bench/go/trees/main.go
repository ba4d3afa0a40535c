// SPDX-License-Identifier: MIT

// How long does the binary-trees program of the benchmarks game take at depth `size`? The
// trees of a depth are shared out among four workers.
package main

import (
	"sync"

	"../meter"
)

const (
	depthMin = 4
	parts    = 4
)

type node struct {
	left, right *node
}

func grow(depth int) *node {
	if depth > 0 {
		return &node{grow(depth - 1), grow(depth - 1)}
	}
	return &node{}
}

func count(n *node) int {
	if n.left == nil {
		return 1
	}
	return 1 + count(n.left) + count(n.right)
}

func run(depth, times int) {
	for i := 0; i < times; i++ {
		meter.Check(count(grow(depth)) == 2<<uint(depth)-1, "a tree is wrong")
	}
}

func main() {
	size := meter.TreeDepth(meter.Size(16))
	meter.Run("trees", 1, 1, func(int) {
		run(size+1, 1)
		lasting := grow(size)
		var done sync.WaitGroup
		for depth := depthMin; depth <= size; depth += 2 {
			times := (1 << uint(size-depth+depthMin)) / parts
			for part := 0; part < parts; part++ {
				done.Add(1)
				go func(depth int) {
					run(depth, times)
					done.Done()
				}(depth)
			}
		}
		done.Wait()
		meter.Check(count(lasting) == 2<<uint(size)-1, "the lasting tree is wrong")
	})
	meter.TellPeak("trees.peak")
}
