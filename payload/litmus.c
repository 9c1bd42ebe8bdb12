/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Litmus tests of the order in which CPUs see one another's stores. Power ISA 3.0B, Book II
 * sections 1.7.1 and 4.6.3. With barriers the outcome that they forbid must not be seen, however
 * often it is tried; without, how often it was seen is told, since the architecture permits it.
 */
#include "payload.h"

#define MP   "message_passing_with_barriers_passes_no_flag_without_its_message"
#define SB   "store_buffering_with_sync_never_has_both_loads_miss_the_others_store"
#define LB   "load_buffering_with_barriers_never_has_both_loads_see_the_others_store"
#define IRIW "two_readers_with_sync_never_see_two_stores_in_opposite_order"

const char *const sentences[] = { MP, SB, LB, IRIW, NULL };

#define SYNC   __asm__ volatile("sync" : : : "memory")
#define LWSYNC __asm__ volatile("lwsync" : : : "memory")
#define NONE   barrier()

/* A round's places; many rounds run without the CPUs having to meet. */
#define BATCH 16384
static struct {
	volatile u32 x __attribute__((aligned(128)));
	volatile u32 y __attribute__((aligned(128)));
	volatile u32 seen[4];
} cells[BATCH];

static u64 rounds = 1000000, turn;
static unsigned in_use; /* CPUs */
static volatile u64 first_turn; /* of the CPUs that were started last */
static struct {
	volatile u32 cell __attribute__((aligned(128)));
} at[MAX_CPUS];
static volatile u64 go, done[MAX_CPUS];
static void (*volatile test)(unsigned cpu, unsigned cell);

#define TEST(name, a, b)                           \
	static void name(unsigned cpu, unsigned i) \
	{                                          \
		if (cpu == 0) {                    \
			a;                         \
		} else if (cpu == 1) {             \
			b;                         \
		}                                  \
	}
#define X      cells[i].x
#define Y      cells[i].y
#define SAW(n) cells[i].seen[n]

#define MP_TEST(name, between)      \
	TEST(                       \
		name,               \
		{                   \
			X = 1;      \
			between;    \
			Y = 1;      \
		},                  \
		{                   \
			SAW(0) = Y; \
			between;    \
			SAW(1) = X; \
		})
MP_TEST(mp_bare, NONE)
MP_TEST(mp_lwsync, LWSYNC)

#define SB_TEST(name, between)      \
	TEST(                       \
		name,               \
		{                   \
			X = 1;      \
			between;    \
			SAW(0) = Y; \
		},                  \
		{                   \
			Y = 1;      \
			between;    \
			SAW(1) = X; \
		})
SB_TEST(sb_bare, NONE)
SB_TEST(sb_sync, SYNC)

#define LB_TEST(name, between)      \
	TEST(                       \
		name,               \
		{                   \
			SAW(0) = Y; \
			between;    \
			X = 1;      \
		},                  \
		{                   \
			SAW(1) = X; \
			between;    \
			Y = 1;      \
		})
LB_TEST(lb_bare, NONE)
LB_TEST(lb_lwsync, LWSYNC)

#define IRIW_TEST(name, between)                   \
	static void name(unsigned cpu, unsigned i) \
	{                                          \
		if (cpu == 0) {                    \
			X = 1;                     \
		} else if (cpu == 1) {             \
			Y = 1;                     \
		} else if (cpu == 2) {             \
			SAW(0) = X;                \
			between;                   \
			SAW(1) = Y;                \
		} else {                           \
			SAW(2) = Y;                \
			between;                   \
			SAW(3) = X;                \
		}                                  \
	}
IRIW_TEST(iriw_bare, NONE)
IRIW_TEST(iriw_sync, SYNC)

/*
 * The CPUs begin a round together, if the host runs them at the same time: without that they
 * hardly ever meet at one place. One that comes alone does not wait for long.
 */
static void meet(unsigned cpu, unsigned i)
{
	at[cpu].cell = i;
	for (unsigned turns = 0; turns < 20; turns++) {
		unsigned here = 0;

		for (unsigned other = 0; other < in_use; other++)
			here += at[other].cell >= i;
		if (here == in_use)
			break;
	}
}

static void batch(unsigned cpu)
{
	for (unsigned i = 0; i < BATCH; i++) {
		meet(cpu, i);
		test(cpu, i);
	}
	at[cpu].cell = 0;
}

static void other_cpu(u64 cpu)
{
	for (u64 own = first_turn;; own++) {
		while (go < own)
			;
		SYNC;
		batch((unsigned)cpu);
		SYNC;
		done[cpu] = own;
	}
}

static bool passed_without_message(unsigned i)
{
	return SAW(0) == 1 && SAW(1) == 0;
}

static bool both_missed(unsigned i)
{
	return SAW(0) == 0 && SAW(1) == 0;
}

static bool both_seen(unsigned i)
{
	return SAW(0) == 1 && SAW(1) == 1;
}

static bool opposite(unsigned i)
{
	return SAW(0) == 1 && SAW(1) == 0 && SAW(2) == 1 && SAW(3) == 0;
}

/* Runs all rounds; returns how many had the outcome. */
static u64 run_rounds(void (*rounds_test)(unsigned, unsigned), bool (*outcome)(unsigned))
{
	u64 seen = 0;

	test = rounds_test;
	for (u64 round = 0; round < rounds; round += BATCH) {
		memset(cells, 0, sizeof(cells));
		SYNC;
		go = ++turn;
		batch(0);
		for (unsigned cpu = 1; cpu < in_use; cpu++)
			while (done[cpu] != turn)
				;
		SYNC;
		for (unsigned i = 0; i < BATCH; i++)
			seen += outcome(i);
	}
	return seen;
}

static void litmus(const char *sentence, const char *name, void (*bare)(unsigned, unsigned),
		   void (*ordered)(unsigned, unsigned), bool (*outcome)(unsigned))
{
	print("# %s without barriers: %lu of %lu rounds\n", name, run_rounds(bare, outcome),
	      rounds);
	check_equal(sentence, run_rounds(ordered, outcome), 0, "rounds with barriers");
}

static void use_cpus(unsigned count)
{
	/* A CPU may come to its first turn long after it was started. */
	first_turn = turn + 1;
	SYNC;
	for (in_use = in_use ? in_use : 1; in_use < count; in_use++)
		start_cpu(in_use);
}

void payload(void)
{
	const char *few = bootargs();

	if (*few == 'f')
		rounds = 8 * BATCH;
	on_secondary = other_cpu;
	use_cpus(2);
	litmus(MP, "message passing", mp_bare, mp_lwsync, passed_without_message);
	litmus(SB, "store buffering", sb_bare, sb_sync, both_missed);
	litmus(LB, "load buffering", lb_bare, lb_lwsync, both_seen);
	use_cpus(4);
	litmus(IRIW, "independent reads of independent writes", iriw_bare, iriw_sync, opposite);
}
