/* SPDX-License-Identifier: BSD-2-Clause */
/* What is executed of the kernel's machine check and system reset code; see coverage.h. */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdw.h>

#include "inject/json.h"
#include "lab/coverage.h"

/* A kernel of pseries runs at real address 0 and is linked to here. */
#define KERNEL_BASE 0xc000000000000000ull
/* No function of these is longer; what seems so has no symbol behind it. */
#define LONGEST	    0x4000

/* The code in question: what Linux 5.4 to 6.12 have in exceptions-64s.S, mce.c, traps.c, ras.c. */
static const char *const patterns[] = {
	"exc_real_0x100_system_reset",
	"exc_real_0x200_machine_check",
	"system_reset*",
	"machine_check*",
	"__machine_check_exception",
	"unrecoverable_mce",
	"mce_*",
	"*_mce_event",
	"die_mce",
	"recover_mce",
	"pseries_machine_check_realmode",
	"pSeries_machine_check_*",
	"pSeries_system_reset_exception",
	"fwnmi_*",
	"interrupt_nmi_e*_prepare",
	"hv_nmi_check_nonrecoverable",
	"nmi_panic",
	"smp_handle_nmi_ipi",
};
/* Of other platforms, or run at boot. */
static const char *const others[] = { "*_init", "mce_*register_notifier",
				      "machine_check_early_boot", "*_idle_*" };

static bool matches(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!fnmatch(list[i], name, 0))
			return true;
	return false;
}

static bool is_wanted(const char *name)
{
	return matches(name, patterns, sizeof(patterns) / sizeof(patterns[0])) &&
	       !matches(name, others, sizeof(others) / sizeof(others[0]));
}

/* ---- what there is ---- */

struct building {
	struct coverage *coverage;
	bool failed;
};

static void *grown(struct building *b, void *list, size_t count, size_t size)
{
	void *more = realloc(list, count * size);

	b->failed |= !more;
	return more ? more : list;
}

static void add_function(void *opaque, const char *name, uint64_t address, uint64_t end)
{
	struct building *b = opaque;
	struct coverage *c = b->coverage;
	const uint64_t last = c->nr_words ? c->words[c->nr_words - 1].address : 0;
	uint64_t first = address > last ? address : last + 4;

	if (!is_wanted(name) || first >= end || end - address > LONGEST || address % 4 || b->failed)
		return;
	c->functions = grown(b, c->functions, c->nr_functions + 1, sizeof(c->functions[0]));
	c->words = grown(b, c->words, c->nr_words + (end - first + 3) / 4, sizeof(c->words[0]));
	if (b->failed)
		return;
	c->functions[c->nr_functions] = strdup(name);
	b->failed = !c->functions[c->nr_functions];
	for (; first < end; first += 4)
		c->words[c->nr_words++] =
			(struct coverage_word){ .address = first, .function = c->nr_functions };
	c->nr_functions += !b->failed;
}

struct coverage *coverage_create(struct symbols *symbols)
{
	struct building b = { .coverage = calloc(1, sizeof(*b.coverage)) };

	if (!b.coverage)
		return NULL;
	if (symbols && !symbols_each(symbols, add_function, &b))
		b.failed = true;
	if (!b.failed)
		return b.coverage;
	coverage_destroy(b.coverage);
	return NULL;
}

void coverage_destroy(struct coverage *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nr_words; i++)
		free(c->words[i].line);
	for (unsigned i = 0; i < c->nr_functions; i++)
		free(c->functions[i]);
	free(c->words);
	free(c->functions);
	free(c);
}

/* ---- source lines ---- */

static char *line_at(Dwarf *dwarf, uint64_t address)
{
	Dwarf_Die memory, *unit = dwarf_addrdie(dwarf, address, &memory);
	Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, address) : NULL;
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL, *arch;
	char *text = NULL;
	int number;

	if (!file || dwarf_lineno(line, &number))
		return NULL;
	/* From the top of the kernel's sources on, wherever it was built. */
	arch = strstr(file, "arch/powerpc/");
	return asprintf(&text, "%s:%d", arch ? arch : file, number) < 0 ? NULL : text;
}

void coverage_find_lines(struct coverage *c, const char *kernel)
{
	const int fd = open(kernel, O_RDONLY | O_CLOEXEC);
	Dwarf *dwarf = fd < 0 ? NULL : dwarf_begin(fd, DWARF_C_READ);

	for (size_t i = 0; dwarf && i < c->nr_words; i++)
		if (!c->words[i].line)
			c->words[i].line = line_at(dwarf, c->words[i].address);
	if (dwarf)
		dwarf_end(dwarf);
	if (fd >= 0)
		close(fd);
}

/* ---- what is executed ---- */

struct coverage_watch {
	struct coverage *coverage;
	uint64_t first; /* real address */
	uint8_t executed[];
};

struct coverage_watch *coverage_watch(struct coverage *c, struct machine *machine)
{
	struct coverage_watch *watch;
	uint64_t first, last;

	if (!c->nr_words)
		return NULL;
	first = c->words[0].address & ~KERNEL_BASE;
	last = c->words[c->nr_words - 1].address & ~KERNEL_BASE;
	watch = calloc(1, sizeof(*watch) + (last - first) / 4 + 1);
	if (!watch)
		return NULL;
	watch->coverage = c;
	watch->first = first;
	if (machine_note_executed(machine, watch->executed, first, last))
		return watch;
	free(watch);
	return NULL;
}

json_t *coverage_news(struct coverage_watch *watch)
{
	struct coverage *c = watch->coverage;
	json_t *news = NULL, *count = NULL;
	uint64_t end = 0; /* of the last range */

	for (size_t i = 0; i < c->nr_words; i++) {
		struct coverage_word *w = &c->words[i];

		if (w->ran || !watch->executed[((w->address & ~KERNEL_BASE) - watch->first) / 4])
			continue;
		w->ran = true;
		if (!news)
			news = json_array();
		if (!count || end != w->address) {
			count = json_integer(0);
			json_array_append_new(news, json_address(w->address));
			json_array_append_new(news, count);
		}
		json_integer_set(count, json_integer_value(count) + 1);
		end = w->address + 4;
	}
	return news;
}

struct coverage_word *coverage_find(struct coverage *c, uint64_t address)
{
	size_t low = 0, high = c->nr_words;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (c->words[middle].address == address)
			return &c->words[middle];
		if (c->words[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
