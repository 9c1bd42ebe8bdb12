/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compare and swap of 1 to 16 aligned bytes in the host's byte order, and an atomic load of 16. It
 * orders nothing else.
 */
#ifndef FWNMI_BASE_COMPARE_AND_SWAP_H
#define FWNMI_BASE_COMPARE_AND_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define HAS_COMPARE_AND_SWAP_16 true
#else
#define HAS_COMPARE_AND_SWAP_16 false
#endif

/** compare_and_swap_16() - returns what was there; where it is @expected, @v is now */
static inline unsigned __int128 compare_and_swap_16(void *at, unsigned __int128 expected,
						    unsigned __int128 v)
{
#if defined(__x86_64__)
	uint64_t low = (uint64_t)expected, high = (uint64_t)(expected >> 64);

	__asm__ volatile("lock cmpxchg16b %2"
			 : "+a"(low), "+d"(high), "+m"(*(unsigned __int128 *)at)
			 : "b"((uint64_t)v), "c"((uint64_t)(v >> 64))
			 : "cc", "memory");
	return (unsigned __int128)high << 64 | low;
#elif defined(__aarch64__)
	return __sync_val_compare_and_swap((unsigned __int128 *)at, expected, v);
#else /* not atomic: only where threads take turns */
	unsigned __int128 old = *(unsigned __int128 *)at;

	if (old == expected)
		*(unsigned __int128 *)at = v;
	return old;
#endif
}

/** load_16() - 16 bytes at once. The memory must be writable. */
static inline unsigned __int128 load_16(void *at)
{
	return compare_and_swap_16(at, 0, 0);
}

#define COMPARE_AND_SWAP(type)                                                          \
	do {                                                                            \
		type old = (type)expected;                                              \
		return __atomic_compare_exchange_n((type *)at, &old, (type)v, false,    \
						   __ATOMIC_RELAXED, __ATOMIC_RELAXED); \
	} while (0)

/** compare_and_swap() - true if @expected was there, and @v is now; else nothing has changed */
static inline bool compare_and_swap(void *at, unsigned size, unsigned __int128 expected,
				    unsigned __int128 v)
{
	switch (size) {
	case 1:
		COMPARE_AND_SWAP(uint8_t);
	case 2:
		COMPARE_AND_SWAP(uint16_t);
	case 4:
		COMPARE_AND_SWAP(uint32_t);
	case 8:
		COMPARE_AND_SWAP(uint64_t);
	default:
		return compare_and_swap_16(at, expected, v) == expected;
	}
}

#undef COMPARE_AND_SWAP

#endif
