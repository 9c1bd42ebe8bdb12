/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts its own instructions by perf, samples them, and takes event-based branches (Linux,
 * pmu-ebb.rst), and prints a line for each observation. Without a C library.
 */
#include "say.h"

#define NR_perf_event_open 319

/* Linux's perf_event.h */
enum {
	PERF_TYPE_HARDWARE = 0,
	PERF_TYPE_RAW = 4,
	PERF_CYCLES = 0,
	PERF_INSTRUCTIONS = 1,
	PERF_SAMPLE_IP = 1,
	PERF_RECORD_SAMPLE = 9,
};
#define DISABLED       1ull
#define PINNED	       4ull
#define EXCLUSIVE      8ull
#define EXCLUDE_KERNEL 0x20ull
#define EXCLUDE_HV     0x40ull
#define USER_ONLY      (DISABLED | EXCLUDE_KERNEL | EXCLUDE_HV)
#define IOC_ENABLE     0x20002400
#define IOC_DISABLE    0x20002401
struct perf_event_attr {
	uint32_t type, size;
	uint64_t config, period, sample_type, read_format, flags;
	uint32_t wakeup, bp_type;
	uint64_t config1, config2;
};
struct perf_page { /* the part that is used */
	uint8_t before[1024];
	volatile uint64_t data_head, data_tail;
};
struct perf_record {
	uint32_t type;
	uint16_t misc, size;
	uint64_t ip;
};
#define MAP_SHARED 1
#define PAGE	   65536ul /* or more than a page; a power of two */

/* Event codes of the processors: PMC1 counts cycles, PMC5 instructions; EBB is Linux's. */
#define PMC1_CYCLES	  0x1001eull
#define PMC5_INSTRUCTIONS 0x500faull
#define EBB		  (1ull << 63)

/* ---- the work ---- */

void work(uint64_t turns); /* two instructions a turn */
extern const uint8_t work_begin[], work_end[];
__asm__(".globl work\n"
	"work_begin:\n"
	"work: mtctr 3\n"
	"1: addi 4,4,1\n"
	"bdnz 1b\n"
	"blr\n"
	"work_end:\n");

/*
 * The same with event-based branches. They come each @period instructions, of which the handler
 * has three. Returns how many came.
 */
uint64_t work_with_branches_pmc1(uint64_t turns, uint64_t restart, uint64_t mmcr0);
uint64_t work_with_branches_pmc5(uint64_t turns, uint64_t restart, uint64_t mmcr0);
extern const uint8_t handler_pmc1[], handler_pmc5[];
#define WORK_WITH_BRANCHES(name, number)               \
	__asm__(".globl work_with_branches_" name "\n" \
		"work_with_branches_" name ":\n"       \
		"mtctr 3\n"                            \
		"mr 8,4\n"                             \
		"mr 9,5\n"                             \
		"li 6,0\n"                             \
		"mtspr " number ",8\n"                 \
		"1: addi 7,7,1\n"                      \
		"bdnz 1b\n"                            \
		"mr 3,6\n"                             \
		"blr\n"                                \
		"handler_" name ":\n"                  \
		"addi 6,6,1\n"                         \
		"mtspr " number ",8\n"                 \
		"li 10,1\n"                            \
		"sldi 11,10,32\n"                      \
		"mtspr 779,9\n" /* MMCR0 */            \
		"mtspr 802,10\n" /* BESCRR: PMEO */    \
		"mtspr 800,11\n" /* BESCRS: PME */     \
		".long 0x4c000924\n" /* rfebb 1 */)
WORK_WITH_BRANCHES("pmc1", "771");
WORK_WITH_BRANCHES("pmc5", "775");

/* ---- perf ---- */

static long open_event(uint32_t type, uint64_t config, uint64_t period, uint64_t flags)
{
	const struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config = config,
		.period = period,
		.sample_type = period ? PERF_SAMPLE_IP : 0,
		.flags = flags,
	};

	return CALL(NR_perf_event_open, &attr, 0, -1, -1);
}

static uint64_t count(long fd, uint64_t turns)
{
	uint64_t before = 0, after = 0;

	CALL(NR_ioctl, fd, IOC_ENABLE, 0);
	CALL(NR_read, fd, &before, sizeof(before));
	work(turns);
	CALL(NR_read, fd, &after, sizeof(after));
	CALL(NR_ioctl, fd, IOC_DISABLE, 0);
	return after - before;
}

/* What 1000 further turns cost. */
static void by_count(const char *what, uint64_t event)
{
	const long fd = open_event(PERF_TYPE_HARDWARE, event, 0, USER_ONLY);
	uint64_t few, many;

	if (fd < 0) {
		say(what, fd);
		return;
	}
	few = count(fd, 1000);
	many = count(fd, 2000);
	CALL(NR_close, fd);
	say(what, (long)(many - few));
}

/* How many samples there are, and how many of them are not of the work. */
static void by_samples(void)
{
	const long fd = open_event(PERF_TYPE_HARDWARE, PERF_INSTRUCTIONS, 10000, USER_ONLY);
	long samples = 0, others = 0, address;
	struct perf_page *page;
	const uint8_t *data;

	address = CALL(NR_mmap, 0, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || address < 0) {
		say("samples:", fd < 0 ? fd : address);
		return;
	}
	page = (struct perf_page *)address;
	data = (const uint8_t *)page + PAGE;
	CALL(NR_ioctl, fd, IOC_ENABLE, 0);
	work(500000);
	CALL(NR_ioctl, fd, IOC_DISABLE, 0);
	for (uint64_t at = 0; at < page->data_head;) {
		const struct perf_record *record = (const struct perf_record *)(data + at);

		if (record->type == PERF_RECORD_SAMPLE) {
			samples++;
			others += record->ip < (uint64_t)work_begin ||
				  record->ip >= (uint64_t)work_end;
		}
		at += record->size;
	}
	CALL(NR_close, fd);
	say("samples:", samples);
	say("samples elsewhere:", others);
}

/* ---- event-based branches ---- */

#define MMCR0_PMAE    0x4000000ull
#define BESCR_GE      (1ull << 63)
#define BESCR_PME     (1ull << 32)
#define set_spr(n, v) __asm__ volatile("mtspr %0,%1" : : "i"(n), "r"((uint64_t)(v)) : "memory")

static void by_branches(const char *what, uint64_t event, const uint8_t *handler,
			uint64_t (*work_with_branches)(uint64_t, uint64_t, uint64_t))
{
	const long fd = open_event(PERF_TYPE_RAW, event | EBB, 0, USER_ONLY | PINNED | EXCLUSIVE);
	uint64_t value;

	if (fd < 0) {
		say(what, fd);
		return;
	}
	set_spr(804, handler); /* EBBHR */
	set_spr(806, BESCR_GE | BESCR_PME);
	CALL(NR_ioctl, fd, IOC_ENABLE, 0);
	if (CALL(NR_read, fd, &value, sizeof(value)) != sizeof(value)) {
		say("not scheduled:", 0);
		return;
	}
	value = work_with_branches(100100, 0x80000000 - 1003, MMCR0_PMAE);
	set_spr(806, 0); /* The next one is far. */
	CALL(NR_close, fd);
	say(what, (long)value);
}

void _start(void)
{
	by_count("instructions:", PERF_INSTRUCTIONS);
	by_count("cycles:", PERF_CYCLES);
	by_samples();
	by_branches("branches of PMC1:", PMC1_CYCLES, handler_pmc1, work_with_branches_pmc1);
	by_branches("branches of PMC5:", PMC5_INSTRUCTIONS, handler_pmc5, work_with_branches_pmc5);
	CALL(NR_exit);
}
