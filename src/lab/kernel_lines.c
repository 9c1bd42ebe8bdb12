/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads Linux's lines with scanners that only go forward; see kernel_lines.h. A line that is not
 * exactly in a known format is not that line.
 */
#include "lab/kernel_lines.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What is left of a line. Each step moves past what it takes, and only then. */
struct scan {
	const char *p, *end;
};

static size_t left(const struct scan *s)
{
	return (size_t)(s->end - s->p);
}

/* Take this text. */
static bool take(struct scan *s, const char *text)
{
	size_t length = strlen(text);

	if (left(s) < length || memcmp(s->p, text, length) != 0)
		return false;
	s->p += length;
	return true;
}

/* Is it somewhere in the rest of the line? */
static const char *find(const struct scan *s, const char *text)
{
	return memmem(s->p, left(s), text, strlen(text));
}

/* Take all up to and including this text. */
static bool take_past(struct scan *s, const char *text)
{
	const char *at = find(s, text);

	if (!at)
		return false;
	s->p = at + strlen(text);
	return true;
}

static bool take_decimal(struct scan *s, unsigned *value)
{
	const char *start = s->p;
	unsigned n = 0;

	while (left(s) && *s->p >= '0' && *s->p <= '9') {
		if (n > (UINT32_MAX - 9) / 10)
			return false;
		n = n * 10 + (unsigned)(*s->p++ - '0');
	}
	*value = n;
	return s->p > start;
}

static unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

static bool take_hex(struct scan *s, uint64_t *value)
{
	const char *start = s->p;
	uint64_t n = 0;

	while (left(s) && hex_digit(*s->p) < 16 && s->p - start < 16)
		n = n << 4 | hex_digit(*s->p++);
	*value = n;
	return s->p > start;
}

/* Copy text between two places of a line, without blanks around it. Cut if there is no room. */
static void copy(char *out, size_t size, const char *from, const char *to)
{
	size_t length;

	while (from < to && *from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	length = (size_t)(to - from);
	if (length >= size)
		length = size - 1;
	memcpy(out, from, length);
	out[length] = '\0';
}

/* Take text up to @stop, which is taken, too. */
static bool take_until(struct scan *s, const char *stop, char *out, size_t size)
{
	const char *at = find(s, stop);

	if (!at)
		return false;
	copy(out, size, s->p, at);
	s->p = at + strlen(stop);
	return true;
}

/* Is this printk's "[    0.153956] "? */
static bool is_time(struct scan s)
{
	unsigned seconds;
	const char *fraction;

	if (!take(&s, "["))
		return false;
	while (take(&s, " "))
		;
	if (!take_decimal(&s, &seconds) || !take(&s, "."))
		return false;
	fraction = s.p;
	return take_decimal(&s, &seconds) && s.p - fraction == 6 && take(&s, "] ");
}

/*
 * Before printk had the console, the kernel may have written to it by RTAS, and ended no line:
 * printk's first one then stands behind that.
 */
static void skip_what_is_not_printks(struct scan *s)
{
	struct scan at = *s;

	for (; (at.p = find(&at, "[")) != NULL; at.p++)
		if (is_time(at)) {
			*s = at;
			return;
		}
}

/* printk's time, and "[   T80] " behind it where CONFIG_PRINTK_CALLER is set. */
static void take_prefix(struct scan *s)
{
	for (int i = 0; i < 2 && left(s) && *s->p == '['; i++) {
		const char *p = s->p + 1;

		while (p < s->end && (*p == ' ' || *p == '.' || *p == 'T' || *p == 'C' ||
				      (*p >= '0' && *p <= '9')))
			p++;
		if (p == s->end || *p != ']')
			return;
		s->p = p + 1;
		take(s, " ");
	}
}

/* ---- machine checks ---- */

static struct kernel_mce *new_mce(struct kernel_lines *lines, size_t at)
{
	struct kernel_mce *mce;

	if (lines->nr_mces++ >= KERNEL_MAX_REPORTS)
		return NULL;
	mce = &lines->mces[lines->nr_mces - 1];
	memset(mce, 0, sizeof(*mce));
	mce->at = at;
	return mce;
}

/* The last report of a CPU that lacks a part; NULL: none. */
static struct kernel_mce *open_mce(struct kernel_lines *lines, bool has_cpu, unsigned cpu)
{
	unsigned i = lines->nr_mces < KERNEL_MAX_REPORTS ? lines->nr_mces : KERNEL_MAX_REPORTS;

	while (i-- > 0)
		if (lines->mces[i].has_cpu == has_cpu && lines->mces[i].cpu == cpu)
			return &lines->mces[i];
	return NULL;
}

/* Behind "machine check (": "Severe)  SLB Multihit DAR: 0000000020000000 [Recovered]" */
static bool read_mce_head(struct scan s, struct kernel_mce *mce)
{
	const char *close, *what_end;
	struct scan addresses;

	if (!take_until(&s, ") ", mce->severity, sizeof(mce->severity)))
		return false;
	close = find(&s, "[Recovered]");
	mce->recovered = close != NULL;
	if (!close)
		close = find(&s, "[Not recovered]");
	if (!close)
		return false;
	what_end = close;
	addresses = (struct scan){ s.p, close };
	if (take_past(&addresses, "DAR: ")) {
		what_end = addresses.p - strlen("DAR: ");
		mce->has_dar = take_hex(&addresses, &mce->dar);
		mce->has_paddr = take(&addresses, " paddr: ") && take_hex(&addresses, &mce->paddr);
	}
	copy(mce->what, sizeof(mce->what), s.p, what_end);
	return true;
}

/* "PID: 80 Comm: victim NIP: [0000000010000018] paddr: ..." or "NIP: [c0...] symbol+0x1/0x2 ..." */
static void read_mce_place(struct scan s, struct kernel_mce *mce)
{
	struct kernel_process process = { 0 };
	bool has_process = false;

	if (take(&s, "PID: ")) {
		if (!take_decimal(&s, &process.pid) || !take(&s, " Comm: ") ||
		    !take_until(&s, " NIP: [", process.comm, sizeof(process.comm)))
			return;
		has_process = true;
	} else if (!take(&s, "NIP: [")) {
		return;
	}
	if (!take_hex(&s, &mce->nip) || !take(&s, "]"))
		return;
	mce->has_nip = true;
	mce->has_process = has_process;
	mce->process = process;
	if (take_past(&s, " paddr: "))
		mce->has_paddr = take_hex(&s, &mce->paddr);
}

/* Behind "MCE: ". True if it belongs to a report. */
static bool read_mce(struct scan s, size_t at, struct kernel_lines *lines)
{
	struct kernel_mce *mce;
	unsigned cpu;

	if (!take(&s, "CPU") || !take_decimal(&s, &cpu) || !take(&s, ": "))
		return false;
	if (take(&s, "machine check (")) {
		struct kernel_mce head = { .at = at, .has_cpu = true, .cpu = cpu };

		if (!read_mce_head(s, &head))
			return false;
		mce = new_mce(lines, at);
		if (mce)
			*mce = head;
		return true;
	}
	mce = open_mce(lines, true, cpu);
	if (!mce)
		return true;
	if (take(&s, "Initiator ")) {
		if (!mce->initiator[0])
			copy(mce->initiator, sizeof(mce->initiator), s.p, s.end);
	} else if (!mce->has_nip) {
		read_mce_place(s, mce);
	}
	return true;
}

/* 4.20 to 5.1: "Severe Machine check interrupt [Recovered]", then indented lines. */
static bool read_old_mce_head(struct scan s, size_t at, struct kernel_lines *lines)
{
	struct scan line = s;
	struct kernel_mce *mce;
	char severity[16];
	bool recovered;

	if (!take_until(&s, " Machine check interrupt [", severity, sizeof(severity)))
		return false;
	/* One word is in front of it: this excludes prose. */
	if (memchr(line.p, ' ', (size_t)(s.p - line.p) - strlen(" Machine check interrupt [")))
		return false;
	recovered = take(&s, "Recovered]");
	if (!recovered && !take(&s, "Not recovered]"))
		return false;
	mce = new_mce(lines, at);
	if (mce) {
		memcpy(mce->severity, severity, sizeof(severity));
		mce->recovered = recovered;
	}
	return true;
}

static bool read_old_mce_part(struct scan s, struct kernel_lines *lines)
{
	struct kernel_mce *mce = open_mce(lines, false, 0);
	const char *open;

	if (!mce || !take(&s, "  "))
		return false;
	if (take(&s, "NIP: [") || take(&s, "NIP [")) {
		mce->has_nip = take_hex(&s, &mce->nip);
		if (take(&s, "] PID: "))
			mce->has_process = take_decimal(&s, &mce->process.pid) &&
					   take(&s, " Comm: ");
		if (mce->has_process)
			copy(mce->process.comm, sizeof(mce->process.comm), s.p, s.end);
	} else if (take(&s, "Initiator: ")) {
		copy(mce->initiator, sizeof(mce->initiator), s.p, s.end);
	} else if (take(&s, "Error type: ")) {
		/* "UE [Load/Store]", which is "UE Load/Store" since. */
		open = find(&s, " [");
		copy(mce->what, sizeof(mce->what), s.p, open ? open : s.end);
		if (open && s.end[-1] == ']') {
			size_t used = strlen(mce->what);

			if (used + 2 < sizeof(mce->what)) {
				mce->what[used++] = ' ';
				copy(mce->what + used, sizeof(mce->what) - used, open + 2,
				     s.end - 1);
			}
		}
	} else if (take(&s, "  Effective address: ")) {
		mce->has_dar = take_hex(&s, &mce->dar);
	} else {
		return false;
	}
	return true;
}

/* ---- processes ---- */

static void add_killed(struct kernel_lines *lines, enum kernel_kill how,
		       const struct kernel_process *process)
{
	if (lines->nr_killed++ < KERNEL_MAX_PROCESSES)
		lines->killed[lines->nr_killed - 1] =
			(struct kernel_killed){ .how = how, .process = *process };
}

/* "COMM:PID due to hardware memory corruption" */
static bool read_poison_kill(struct scan s, struct kernel_lines *lines)
{
	const char *due = find(&s, " due to hardware memory corruption"), *colon = NULL;
	struct kernel_process process = { 0 };
	struct scan pid;

	if (!due)
		due = find(&s, " because of failure to unmap corrupted page");
	for (const char *p = s.p; due && p < due; p++)
		if (*p == ':')
			colon = p;
	if (!colon)
		return false;
	copy(process.comm, sizeof(process.comm), s.p, colon);
	pid = (struct scan){ colon + 1, due };
	if (!take_decimal(&pid, &process.pid) || left(&pid))
		return false;
	add_killed(lines, KERNEL_KILL_POISON, &process);
	return true;
}

/* Behind "Memory failure: ": "0x1a3e: recovery action for dirty LRU page: Recovered" */
static bool read_memory_failure(struct scan s, struct kernel_lines *lines)
{
	uint64_t pfn;

	if (!take(&s, "0x") || !take_hex(&s, &pfn) || !take(&s, ": "))
		return false;
	lines->memory_failure = true;
	if (take(&s, "Sending SIGBUS to ") || take(&s, "forcibly killing "))
		read_poison_kill(s, lines);
	return true;
}

/* "victim[80]: bus error (7) at 10000018 nip ..." */
static bool read_signal_kill(struct scan s, struct kernel_lines *lines)
{
	struct kernel_process process = { 0 };
	char name[32];
	unsigned signal;

	if (!take_until(&s, "[", process.comm, sizeof(process.comm)) ||
	    !take_decimal(&s, &process.pid) || !take(&s, "]: ") ||
	    !take_until(&s, " (", name, sizeof(name)) || !take_decimal(&s, &signal) ||
	    !take(&s, ") at ") || strcmp(name, "bus error") != 0)
		return false;
	add_killed(lines, KERNEL_KILL_SIGNAL, &process);
	return true;
}

/* ---- the end ---- */

static bool read_oops(struct scan s, size_t at, struct kernel_lines *lines)
{
	struct kernel_oops *oops;
	char text[64];

	if (!take(&s, "Oops: ") || !take_until(&s, ", sig: ", text, sizeof(text)))
		return false;
	if (lines->nr_oopses++ >= KERNEL_MAX_OOPSES)
		return true;
	oops = &lines->oopses[lines->nr_oopses - 1];
	memset(oops, 0, sizeof(*oops));
	oops->at = at;
	memcpy(oops->text, text, sizeof(text));
	return true;
}

/* "CPU: 0 PID: 80 Comm: victim Tainted: ...", of an Oops; since 6.11 with "UID: 0" in between. */
static bool read_oops_process(struct scan s, struct kernel_lines *lines)
{
	struct kernel_oops *oops;
	const char *stop;
	unsigned cpu;

	if (!take(&s, "CPU: ") || !take_decimal(&s, &cpu) || !take_past(&s, " PID: "))
		return false;
	if (!lines->nr_oopses || lines->nr_oopses > KERNEL_MAX_OOPSES)
		return true;
	oops = &lines->oopses[lines->nr_oopses - 1];
	if (oops->has_process)
		return true;
	oops->has_process = take_decimal(&s, &oops->process.pid) && take(&s, " Comm: ");
	if (oops->has_process) {
		stop = find(&s, " Tainted: ");
		if (!stop)
			stop = find(&s, " Not tainted ");
		copy(oops->process.comm, sizeof(oops->process.comm), s.p, stop ? stop : s.end);
	}
	return true;
}

/* "NIP:  c0000000000aa448 LR: ...", of an Oops. */
static bool read_oops_nip(struct scan s, struct kernel_lines *lines)
{
	struct kernel_oops *oops;

	if (!take(&s, "NIP:  ") || !lines->nr_oopses || lines->nr_oopses > KERNEL_MAX_OOPSES)
		return false;
	oops = &lines->oopses[lines->nr_oopses - 1];
	if (!oops->has_nip)
		oops->has_nip = take_hex(&s, &oops->nip);
	return true;
}

static bool read_panic(struct scan s, size_t at, struct kernel_lines *lines)
{
	if (!take(&s, "Kernel panic - not syncing: "))
		return false;
	if (!lines->panicked) {
		lines->panicked = true;
		lines->panic_at = at;
		copy(lines->panic, sizeof(lines->panic), s.p, s.end);
	}
	return true;
}

static void note_first(char *out, size_t size, const struct scan *s)
{
	if (!out[0])
		copy(out, size, s->p, s->end);
}

static bool starts_with_any(const struct scan *s, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct scan copy_of = *s;

		if (take(&copy_of, texts[i]))
			return true;
	}
	return false;
}

/* arch/powerpc/kernel/watchdog.c, kernel/watchdog.c, kernel/rcu/tree_stall.h */
static const char *const stalls[] = {
	"watchdog: CPU ",
	"watchdog: BUG: soft lockup - ",
	"watchdog: Watchdog detected hard LOCKUP",
	"rcu: INFO: ",
	"INFO: rcu_",
	"INFO: task ",
};
static const char *const bugs[] = { "BUG: ", "kernel BUG at ",
				    "WARNING: CPU: ", "Unable to handle kernel " };

static bool read_stall_or_bug(const struct scan *s, struct kernel_lines *lines)
{
	if (starts_with_any(s, stalls, ARRAY_SIZE(stalls)))
		note_first(lines->stall, sizeof(lines->stall), s);
	else if (starts_with_any(s, bugs, ARRAY_SIZE(bugs)))
		note_first(lines->bug, sizeof(lines->bug), s);
	else
		return false;
	return true;
}

/* The old kernel's last words may be lost. The command line of the new one says where it is. */
static bool is_crash_kernels(struct scan s)
{
	return (take(&s, "Kernel command line: ") || take(&s, "Command line: ")) &&
	       find(&s, "elfcorehdr=");
}

/* Lines whose presence is all that matters. */
static bool read_flag(struct scan s, struct kernel_lines *lines)
{
	if (take(&s, "NMI backtrace for cpu "))
		lines->nmi_backtraces++;
	else if (take(&s, "FWNMI: corrupt r3 "))
		lines->corrupt_r3 = true;
	else if (take(&s, "FWNMI: nmi-interlock failed"))
		lines->interlock_failed = true;
	else if (take(&s, "kexec: Starting switchover sequence.") || is_crash_kernels(s))
		lines->crash_kernel = true;
	else
		return false;
	return true;
}

/* Why xmon was entered: for an event, or because the kernel has crashed. */
static bool read_xmon(struct scan s, struct kernel_lines *lines)
{
	struct scan why = s;

	if (!take(&why, "cpu 0x"))
		return false;
	if (find(&why, ": Vector: 100 (System Reset) at "))
		lines->in_xmon = true;
	else if (find(&why, ": Vector: 200 (Machine Check) at "))
		lines->check_in_xmon = true;
	else if (find(&why, ": Vector: "))
		note_first(lines->bug, sizeof(lines->bug), &s);
	else
		return false;
	return true;
}

/* Lines of machine check code that add nothing to a report, but to the evidence. */
static const char *const remarks[] = {
	"MCE: ",
	"Machine check interrupt ",
	"RTAS: ",
	"mce: ",
	"---[ end ",
	"WARNING: CPU: ",
	"note: ",
	"NIP [",
	"NIP: ",
	"fwnmi-lab: ",
	"Kernel attempted to ",
	"Faulting instruction address: ",
};

/* True if the line is one that matters. */
static bool read_line(struct scan s, size_t at, struct kernel_lines *lines)
{
	struct scan mce = s;

	if (take(&mce, "MCE: ")) {
		if (take(&mce, "Killing "))
			return read_poison_kill(mce, lines);
		return read_mce(mce, at, lines);
	}
	if (take(&mce, "Memory failure: "))
		return read_memory_failure(mce, lines);
	return read_old_mce_part(s, lines) || read_oops(s, at, lines) || read_panic(s, at, lines) ||
	       read_oops_process(s, lines) || read_oops_nip(s, lines) ||
	       read_stall_or_bug(&s, lines) || read_xmon(s, lines) || read_flag(s, lines) ||
	       read_signal_kill(s, lines) || read_old_mce_head(s, at, lines);
}

size_t kernel_line_length(const char *p, const char *end)
{
	const char *stop = memchr(p, '\n', (size_t)(end - p));

	return (size_t)((stop ? stop : end) - p);
}

bool kernel_lines_next(const char *line, size_t length, size_t at, struct kernel_lines *lines)
{
	struct scan s = { line, line + length };

	while (s.end > s.p && s.end[-1] == '\r')
		s.end--;
	skip_what_is_not_printks(&s);
	at += (size_t)(s.p - line);
	take_prefix(&s);
	return read_line(s, at, lines) || starts_with_any(&s, remarks, ARRAY_SIZE(remarks));
}

void kernel_lines_read(const char *console, size_t length, struct kernel_lines *lines)
{
	const char *end = console + length;
	size_t line_length;

	memset(lines, 0, sizeof(*lines));
	for (size_t at = 0; at < length; at += line_length + 1) {
		line_length = kernel_line_length(console + at, end);
		kernel_lines_next(console + at, line_length, at, lines);
	}
}
