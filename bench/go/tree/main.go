// SPDX-License-Identifier: MIT

// How long does a tree of goroutines take that has the shape of fib(`size`) and whose
// leaves compute? Run with one and with two Ps, it tells the speed-up.
package main

import (
	"sync"

	"../meter"
)

// Of a leaf: each depends on the one before, so that compilers cannot differ much.
const steps = 2000

func leaf(seed uint64) uint64 {
	x := seed
	for i := 0; i < steps; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x & 1023
}

func child(n int, sum *uint64, done *sync.WaitGroup) {
	*sum = tree(n)
	done.Done()
}

func tree(n int) uint64 {
	if n < 2 {
		return leaf(uint64(n) + 1)
	}
	var done sync.WaitGroup
	var sum uint64
	done.Add(1)
	go child(n-1, &sum, &done)
	mine := tree(n - 2)
	done.Wait()
	return mine + sum
}

func fib(n int) uint64 {
	a, b := uint64(0), uint64(1)
	for i := 0; i < n; i++ {
		a, b = b, a+b
	}
	return a
}

func main() {
	size := meter.Size(22)
	expected := fib(size)*leaf(2) + fib(size-1)*leaf(1)
	meter.Run("tree", 1, 1, func(int) {
		meter.Check(tree(size) == expected, "the sum is wrong")
	})
}
