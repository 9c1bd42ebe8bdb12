/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle: a freestanding ppc64 program that executes words of code on whatever runs it
 * (qemu-ppc64le, or a POWER9). The cases are in the file of descriptor 3, mapped shared. A byte on
 * descriptor 0 says how many to run, and is returned on descriptor 1 when they are done.
 */
#include "case.h"

enum {
	SYS_EXIT = 1,
	SYS_READ = 3,
	SYS_WRITE = 4,
	SYS_MMAP = 90,
	SYS_RT_SIGACTION = 173,
	SYS_SIGALTSTACK = 185
};
enum {
	PROT_RWX = 7,
	MAP_SHARED = 1,
	MAP_PRIVATE_FIXED_ANONYMOUS = 0x32
};
enum {
	SA_ONSTACK = 0x08000000,
	SA_NODEFER = 0x40000000
};
enum {
	SIGILL = 4,
	SIGTRAP = 5,
	SIGBUS = 7,
	SIGFPE = 8,
	SIGSEGV = 11
};

long system_call(long number, long a, long b, long c, long d, long e, long f);
long run_word(struct isa_case *c, void *slot);
void word_fell_through(void);
void word_branched(void);
void word_signalled(int);
extern volatile uint64_t next_word;
int oracle_main(void);

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

struct kernel_stack {
	void *sp;
	int flags;
	unsigned long size;
};

static char signal_stack[64 * 1024] __attribute__((aligned(16)));

static void *map(unsigned long address, unsigned long size, long flags, long fd)
{
	long p = system_call(SYS_MMAP, (long)address, (long)size, PROT_RWX, flags, fd, 0);

	if (p < 0 && p > -4096)
		system_call(SYS_EXIT, 3, 0, 0, 0, 0, 0);
	return (void *)p;
}

static uint32_t branch(const uint32_t *from, void (*to)(void))
{
	return 0x48000000 | ((uint32_t)((uintptr_t)to - (uintptr_t)from) & 0x03fffffc);
}

static void copy(uint8_t *to, const uint8_t *from)
{
	for (unsigned i = 0; i < CASE_MEMORY_BYTES; i++)
		((volatile uint8_t *)to)[i] = from[i];
}

static void fill(uint32_t *slot, const struct isa_case *c)
{
	unsigned n = 0;

	for (; n < c->nr_words; n++)
		slot[n] = (uint32_t)c->words[n];
	slot[n] = branch(&slot[n], word_fell_through);
	slot[n + 1] = branch(&slot[n + 1], word_branched);
	for (n = 0; n < CASE_SLOT_BYTES / 4; n += 16)
		__asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; isync" ::"r"(slot + n) : "memory");
}

int oracle_main(void)
{
	static const int signals[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV };
	struct isa_case *cases = map(0, CASE_BATCH * sizeof(*cases), MAP_SHARED, 3);
	uint8_t *memory = map(CASE_MEMORY, 65536, MAP_PRIVATE_FIXED_ANONYMOUS, -1);
	uint32_t(*slots)[CASE_SLOT_BYTES / 4] =
		map(CASE_CODE, 65536, MAP_PRIVATE_FIXED_ANONYMOUS, -1);
	struct kernel_sigaction action = { word_signalled, SA_ONSTACK | SA_NODEFER, 0, 0 };
	struct kernel_stack stack = { signal_stack, 0, sizeof(signal_stack) };
	uint8_t count;

	system_call(SYS_SIGALTSTACK, (long)&stack, 0, 0, 0, 0, 0);
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		system_call(SYS_RT_SIGACTION, signals[i], (long)&action, 0, 8, 0, 0);

	while (system_call(SYS_READ, 0, (long)&count, 1, 0, 0, 0) == 1) {
		for (unsigned i = 0; i < count; i++) {
			fill(slots[i], &cases[i]);
		}
		for (unsigned i = 0; i < count; i++) {
			copy(memory, cases[i].memory);
			next_word = 0;
			cases[i].outcome = (uint64_t)run_word(&cases[i], slots[i]);
			cases[i].next = next_word;
			copy(cases[i].memory, memory);
		}
		if (system_call(SYS_WRITE, 1, (long)&count, 1, 0, 0, 0) != 1)
			break;
	}
	return 0;
}
