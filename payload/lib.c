/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The payload library: start, device tree, console, results, hypervisor and RTAS calls. LoPAR;
 * Devicetree Specification 0.4.
 */
#include <stdarg.h>

#include "payload.h"

void (*on_interrupt)(struct frame *frame);
bool uses_decrementer;
void (*on_machine_check)(struct frame *frame);
void (*on_system_reset)(struct frame *frame);
void (*on_secondary)(u64 cpu);
struct boot boot;
u64 rtas_base, rtas_size, rtas_entry, memory_size;
unsigned nr_cpus;

void start(u64 fdt, u64 r4, u64 r5, u64 msr);
void secondary(u64 cpu, u64 msr);
void interrupt(struct frame *frame);
void machine_check(struct frame *frame);
void system_reset(struct frame *frame);

/* ---- functions that the compiler calls ---- */

void *memcpy(void *to, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile u8 *)to)[i] = (u8)c;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const u8 *)a)[i] != ((const u8 *)b)[i])
			return ((const u8 *)a)[i] - ((const u8 *)b)[i];
	return 0;
}

void write_pair(u32 *code, u32 first, u32 second)
{
	code[0] = first;
	code[1] = second;
	code[2] = TRAP;
	flush_code(code);
}

u64 random_next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

u64 sum_up(u64 sum, u64 from, u64 to)
{
	for (const u64 *p = (const u64 *)from; p < (const u64 *)to; p++)
		sum = sum * 31 + *p;
	return sum;
}

static bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

u16 read_be16(const volatile void *p)
{
	const volatile u8 *b = p;

	return (u16)(b[0] << 8 | b[1]);
}

u32 read_be32(const volatile void *p)
{
	return (u32)read_be16(p) << 16 | read_be16((const volatile u8 *)p + 2);
}

u64 read_be64(const volatile void *p)
{
	return (u64)read_be32(p) << 32 | read_be32((const volatile u8 *)p + 4);
}

/* ---- console ---- */

s64 hcall4(u64 number, u64 r4, u64 r5, u64 r6, u64 r7)
{
	u64 regs[10] = { number, r4, r5, r6, r7 };

	hcall(regs);
	return (s64)regs[0];
}

static void put(const char *text, unsigned len)
{
	while (len) {
		u8 chunk[16] = { 0 };
		unsigned n = len < sizeof(chunk) ? len : sizeof(chunk);

		memcpy(chunk, text, n);
		hcall4(H_PUT_TERM_CHAR, 0, n, read_be64(chunk), read_be64(chunk + 8));
		text += n;
		len -= n;
	}
}

struct line {
	char text[240];
	unsigned len;
};

static void add(struct line *line, char c)
{
	if (line->len == sizeof(line->text)) {
		put(line->text, line->len);
		line->len = 0;
	}
	line->text[line->len++] = c;
}

static void add_number(struct line *line, u64 value, unsigned base)
{
	char digits[20];
	unsigned n = 0;

	do
		digits[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	while (n)
		add(line, digits[--n]);
}

static void vprint(const char *format, va_list ap)
{
	struct line line = { .len = 0 };

	for (; *format; format++) {
		bool is_long = false;

		if (*format != '%') {
			add(&line, *format);
			continue;
		}
		if (*++format == 'l') {
			is_long = true;
			format++;
		}
		switch (*format) {
		case 's':
			for (const char *s = va_arg(ap, const char *); *s; s++)
				add(&line, *s);
			break;
		case 'c':
			add(&line, (char)va_arg(ap, int));
			break;
		case 'u':
			add_number(&line, is_long ? va_arg(ap, u64) : va_arg(ap, unsigned), 10);
			break;
		case 'x':
			add_number(&line, is_long ? va_arg(ap, u64) : va_arg(ap, unsigned), 16);
			break;
		default:
			add(&line, '?');
			break;
		}
	}
	put(line.text, line.len);
}

void print(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprint(format, ap);
	va_end(ap);
}

void ask(const char *format, ...)
{
	u64 regs[10];
	va_list ap;

	va_start(ap, format);
	vprint(format, ap);
	va_end(ap);
	print("\n");
	do {
		memset(regs, 0, sizeof(regs));
		regs[0] = H_GET_TERM_CHAR;
		hcall(regs);
		if (regs[0])
			bail_out("H_GET_TERM_CHAR failed");
	} while (!regs[1]);
}

/* ---- results ---- */

#define MAX_SENTENCES  64
#define MAX_COMPLAINTS 5

static struct {
	unsigned checks, failures;
} result[MAX_SENTENCES];

void power_off(void)
{
	const u32 args[2] = { 0, 0 };

	rtas("power-off", 2, 0, args, NULL);
	for (;;)
		;
}

void bail_out(const char *why)
{
	print("Bail out! %s\n", why);
	if (rtas_entry)
		power_off();
	for (;;)
		;
}

/* Returns the number of a sentence. An unknown one ends the payload. */
static unsigned number_of(const char *sentence)
{
	for (unsigned i = 0; sentences[i]; i++)
		if (i < MAX_SENTENCES && same_text(sentences[i], sentence))
			return i;
	print("# %s\n", sentence);
	bail_out("a check for a sentence that was not planned");
}

bool check(const char *sentence, bool ok, const char *what)
{
	unsigned n = number_of(sentence);

	result[n].checks++;
	if (!ok && result[n].failures++ < MAX_COMPLAINTS)
		print("# %s: %s\n", sentence, what);
	return ok;
}

bool check_equal(const char *sentence, u64 got, u64 want, const char *what)
{
	unsigned n = number_of(sentence);

	result[n].checks++;
	if (got == want)
		return true;
	if (result[n].failures++ < MAX_COMPLAINTS)
		print("# %s: %s is 0x%lx, not 0x%lx\n", sentence, what, got, want);
	return false;
}

void finish(void)
{
	unsigned n = 0;

	for (; sentences[n]; n++) {
		if (!result[n].checks)
			print("# %s: nothing was checked\n", sentences[n]);
		print("%s %u - %s\n", result[n].checks && !result[n].failures ? "ok" : "not ok",
		      n + 1, sentences[n]);
	}
	print("1..%u\n", n);
	power_off();
}

/* ---- device tree ---- */

enum {
	FDT_BEGIN_NODE = 1,
	FDT_END_NODE = 2,
	FDT_PROP = 3,
	FDT_NOP = 4
};

static unsigned text_length(const char *s)
{
	unsigned n = 0;

	while (s[n])
		n++;
	return n;
}

/* @path: names without unit addresses, such as "/vdevice/vty"; the first match counts. */
const void *fdt_property(const char *path, const char *name, u32 *len)
{
	const u8 *fdt = (const u8 *)boot.fdt;
	const u8 *p = fdt + read_be32(fdt + 8);
	const char *strings = (const char *)fdt + read_be32(fdt + 12);
	unsigned depth = 0, matched = 0; /* matched: how many of the open nodes are on the path */
	const char *rest[16] = { path };

	for (;;) {
		u32 tag = read_be32(p);

		p += 4;
		if (tag == FDT_BEGIN_NODE) {
			const char *node = (const char *)p;
			unsigned n = text_length(node), base = 0;

			while (base < n && node[base] != '@')
				base++;
			p += (n + 4) & ~3u;
			if (!depth) {
				matched = 1;
				rest[0] = path + 1;
			} else if (matched == depth && depth < ARRAY_SIZE(rest)) {
				const char *want = rest[depth - 1];

				if (base && !memcmp(node, want, base) &&
				    (!want[base] || want[base] == '/')) {
					rest[depth] = want + base + (want[base] == '/');
					matched = depth + 1;
				}
			}
			depth++;
		} else if (tag == FDT_END_NODE) {
			if (matched == depth)
				matched--;
			if (!--depth)
				return NULL;
		} else if (tag == FDT_PROP) {
			u32 size = read_be32(p), name_offset = read_be32(p + 4);
			const u8 *value = p + 8;

			p = value + ((size + 3) & ~3u);
			if (matched == depth && !*rest[depth - 1] &&
			    same_text(strings + name_offset, name)) {
				if (len)
					*len = size;
				return value;
			}
		} else if (tag != FDT_NOP) {
			return NULL;
		}
	}
}

u32 fdt_u32(const char *path, const char *name)
{
	u32 len;
	const void *value = fdt_property(path, name, &len);

	if (!value || len != 4) {
		print("# %s %s\n", path, name);
		bail_out("the device tree lacks a property");
	}
	return read_be32(value);
}

const char *cpu_node(void)
{
	static const char *const nodes[] = {
		"/cpus/PowerPC,POWER8", "/cpus/PowerPC,POWER8E", "/cpus/PowerPC,POWER8NVL",
		"/cpus/PowerPC,POWER9", "/cpus/PowerPC,POWER10", "/cpus/PowerPC,POWER11",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(nodes); i++)
		if (fdt_property(nodes[i], "ibm,pa-features", NULL))
			return nodes[i];
	bail_out("the device tree has no processor that we know");
}

const char *bootargs(void)
{
	const char *text = fdt_property("/chosen", "bootargs", NULL);

	return text ? text : "";
}

/* ---- RTAS ---- */

/* One buffer per CPU, at a 32-bit address. */
static u32 rtas_buffer[MAX_CPUS][64] __attribute__((aligned(64)));

u32 rtas_token(const char *name)
{
	return fdt_u32("/rtas", name);
}

int rtas(const char *name, unsigned nr_args, unsigned nr_rets, const u32 *args, u32 *rets)
{
	volatile u32 *buffer = rtas_buffer[this_cpu()];

	buffer[0] = big32(rtas_token(name));
	buffer[1] = big32(nr_args);
	buffer[2] = big32(nr_rets + 1);
	for (unsigned i = 0; i < nr_args; i++)
		buffer[3 + i] = big32(args[i]);
	for (unsigned i = 0; i <= nr_rets; i++)
		buffer[3 + nr_args + i] = big32(RTAS_NO_STATUS);
	enter_rtas((void *)buffer, rtas_entry);
	for (unsigned i = 0; i < nr_rets; i++)
		rets[i] = big32(buffer[4 + nr_args + i]);
	return (int)big32(buffer[3 + nr_args]);
}

int rtas0(const char *name)
{
	return rtas(name, 0, 0, NULL, NULL);
}

int nmi_register(u64 system_reset, u64 machine_check)
{
	const u32 args[2] = { (u32)system_reset, (u32)machine_check };

	return rtas("ibm,nmi-register", 2, 0, args, NULL);
}

int nmi_interlock(void)
{
	return rtas0("ibm,nmi-interlock");
}

void start_cpu(unsigned cpu)
{
	const u32 args[3] = { cpu, (u32)(u64)start_secondary, cpu };

	if (rtas("start-cpu", 3, 0, args, NULL))
		bail_out("start-cpu failed");
}

/* H_SET_MODE, resource 4 */
void set_interrupt_endian(bool little)
{
	if (hcall4(H_SET_MODE, little, 4, 0, 0))
		bail_out("H_SET_MODE of the interrupts' byte order failed");
}

void interrupts_in_own_endian(void)
{
	set_interrupt_endian(MSR_LE);
}

/* ---- entries from start.S ---- */

static void unexpected(const char *what, const struct frame *frame)
{
	print("# %s 0x%lx: SRR0 0x%lx SRR1 0x%lx DAR 0x%lx DSISR 0x%lx R3 0x%lx LR 0x%lx MSR 0x%lx\n",
	      what, frame->vector, frame->srr0, frame->srr1, frame->dar, frame->dsisr,
	      frame->gpr[3], frame->lr, frame->msr);
	bail_out("an interrupt that nobody expects");
}

void interrupt(struct frame *frame)
{
	if (frame->vector == 0x900 && !uses_decrementer) {
		park_decrementer();
		return;
	}
	if (!on_interrupt)
		unexpected("vector", frame);
	on_interrupt(frame);
}

void machine_check(struct frame *frame)
{
	if (!on_machine_check)
		unexpected("machine check routine, vector", frame);
	on_machine_check(frame);
}

void system_reset(struct frame *frame)
{
	if (!on_system_reset)
		unexpected("system reset routine, vector", frame);
	on_system_reset(frame);
}

void secondary(u64 cpu, u64 msr)
{
	boot.secondary_msr[cpu % MAX_CPUS] = msr;
	if (on_secondary)
		on_secondary(cpu);
	for (;;)
		;
}

/* ---- run() ---- */

u64 run_sp[MAX_CPUS];
extern const u8 run_back[];
struct frame caught;
static bool running[MAX_CPUS];

void leave_run(struct frame *frame)
{
	if (!running[this_cpu()])
		unexpected("outside of run()", frame);
	running[this_cpu()] = false;
	caught = *frame;
	frame->srr0 = frame->lr = (u64)run_back;
	frame->srr1 = frame->ctr = MSR_BARE;
	frame->gpr[1] = run_sp[this_cpu()];
}

void run_registers(const void *code, u64 msr, const u64 registers[8])
{
	park_decrementer();
	running[this_cpu()] = true;
	run_at((u64)code, msr, registers);
}

void run(const void *code, u64 msr, u64 r3, u64 r4, u64 r5, u64 r6)
{
	const u64 registers[8] = { r3, r4, r5, r6 };

	run_registers(code, msr, registers);
}

bool check_caught(const char *sentence, u64 vector, const void *code, unsigned offset, u64 msr,
		  u64 cause)
{
	if (!check_equal(sentence, caught.vector, vector, "vector"))
		print("# SRR0 0x%lx SRR1 0x%lx DAR 0x%lx DSISR 0x%lx\n", caught.srr0, caught.srr1,
		      caught.dar, caught.dsisr);
	return check_equal(sentence, caught.srr0, (u64)code + offset, "SRR0") &
	       check_equal(sentence, caught.srr1, msr | cause, "SRR1");
}

static unsigned count_cpus(void)
{
	u32 len;

	/* Server numbers 0 to count - 1, as in XICS's node; XIVE's has a source for each. */
	const u8 *ranges =
		fdt_property("/interrupt-controller", "ibm,interrupt-server-ranges", &len);

	if (!ranges)
		ranges = fdt_property("/interrupt-controller", "ibm,xive-lisn-ranges", &len);
	if (!ranges || len != 8)
		bail_out("the device tree has no single range of interrupt servers");
	return read_be32(ranges + 4);
}

/* Where we take the firmware's place (tests/qemu/payload_image.py), RTAS is ours to make. */
static void find_rtas(void)
{
	u32 len;

	if (!fdt_property("/rtas", "linux,rtas-entry", &len)) {
		rtas_entry = (u64)own_rtas;
		mtspr(SPR_DEC, 0x7fffffff); /* as fwnmi starts it */
		return;
	}
	rtas_base = fdt_u32("/rtas", "linux,rtas-base");
	rtas_entry = fdt_u32("/rtas", "linux,rtas-entry");
	rtas_size = fdt_u32("/rtas", "rtas-size");
}

void start(u64 fdt, u64 r4, u64 r5, u64 msr)
{
	const u8 *reg;
	u32 len;

	boot = (struct boot){ .fdt = fdt, .r4 = r4, .r5 = r5, .msr = msr };
	if (read_be32((void *)fdt) != 0xd00dfeed)
		bail_out("R3 does not point to a device tree");
	find_rtas();
	nr_cpus = count_cpus();
	reg = fdt_property("/memory", "reg", &len);
	if (!reg || len != 16)
		bail_out("the device tree has no memory");
	memory_size = read_be64(reg + 8);
	/*
	 * Wait until the runner is connected to the monitor, unless the command line says "alone".
	 */
	if (bootargs()[0] != 'a')
		ask("@answer");
	payload();
	finish();
}
