// SPDX-License-Identifier: MIT

// What does it cost to say that a call may block its thread, and that it is over? Programs
// cannot call what says so, so it is the difference of a system call that does and one that
// does not. Beside: with the call.
package main

import (
	"os"
	"syscall"
	"time"

	"../meter"
)

// What meter.Run times with: on a busy machine, the CPU time of the process.
func spent() time.Duration {
	if cpu := os.Getenv("BENCH_CPU"); cpu != "" && cpu != "0" {
		return time.Duration(meter.CPUTime())
	}
	return time.Duration(time.Now().UnixNano())
}

func timed(ops int, call func()) time.Duration {
	start := spent()
	for i := 0; i < ops; i++ {
		call()
	}
	return spent() - start
}

func main() {
	parent, _, _ := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	call := func() {
		got, _, _ := syscall.Syscall(syscall.SYS_GETPPID, 0, 0, 0)
		meter.Check(got == parent, "another parent")
	}
	raw := func() {
		got, _, _ := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
		meter.Check(got == parent, "another parent")
	}
	ops := meter.Ops(2000000, 1)
	meter.RunTimed("block", ops, 1, func(ops int) time.Duration {
		return timed(ops, call) - timed(ops, raw)
	})
	meter.Run("block.getppid", ops, 1, func(ops int) { timed(ops, call) })
}
