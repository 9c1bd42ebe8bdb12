/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of triggers; see trigger.h. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/symbols.h"
#include "base/text.h"
#include "inject/trigger.h"

#define MAX_VECTOR 0x17fe0u /* scv 127 */

/* One term: WORD or WORD=VALUE. The text need not be terminated after them. */
struct term {
	const char *word, *value; /* value NULL: none */
	size_t word_length, value_length;
	unsigned column;
};

struct parse {
	struct trigger *trigger;
	char *err;
	size_t err_size;
};

#define FAIL(p, ...) (snprintf((p)->err, (p)->err_size, __VA_ARGS__), false)

/* "%.*s" of a term's parts */
#define WORD(term)  (int)(term)->word_length, (term)->word
#define VALUE(term) (int)(term)->value_length, (term)->value

static bool is_text(const char *a, size_t length, const char *b)
{
	return strlen(b) == length && !memcmp(a, b, length);
}

/* ---- values ---- */

static bool bad_value(struct parse *p, const struct term *term, const char *what)
{
	return FAIL(p, "bad %.*s at column %u: %.*s is not %s", WORD(term), term->column,
		    VALUE(term), what);
}

static bool take_number(struct parse *p, const struct term *term, uint64_t least, uint64_t most,
			uint64_t *number)
{
	uint64_t n;

	if (!number_parse(term->value, term->value_length, &n))
		return bad_value(p, term, "a number");
	if (n < least || n > most)
		return FAIL(p, "bad %.*s at column %u: not from %llu to %llu", WORD(term),
			    term->column, (unsigned long long)least, (unsigned long long)most);
	*number = n;
	return true;
}

static bool is_name(const char *text, size_t length)
{
	static const char others[] = "_.$";

	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		bool digit = c >= '0' && c <= '9';

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(digit && i) &&
		    !memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return length && length < TRIGGER_MAX_SYMBOL;
}

/* ADDRESS, SYMBOL or SYMBOL+OFFSET */
static bool parse_place(const char *text, size_t length, struct trigger_place *place)
{
	const char *plus = memchr(text, '+', length);
	size_t name = plus ? (size_t)(plus - text) : length;

	*place = (struct trigger_place){ .has_offset = plus };
	if (number_parse(text, length, &place->address))
		return true;
	if (!is_name(text, name) ||
	    (plus && !number_parse(plus + 1, length - name - 1, &place->offset)))
		return false;
	memcpy(place->symbol, text, name);
	return true;
}

/* ---- terms ---- */

static bool set_point(struct parse *p, const struct term *term, enum trigger_point point)
{
	if (p->trigger->point != TRIGGER_ANYTHING)
		return FAIL(p, "%.*s at column %u: the trigger has a place already", WORD(term),
			    term->column);
	p->trigger->point = point;
	return true;
}

static bool take_address(struct parse *p, const struct term *term)
{
	struct trigger_place *place = &p->trigger->first;

	if (!set_point(p, term, TRIGGER_FETCH))
		return false;
	if (!parse_place(term->value, term->value_length, place))
		return bad_value(p, term, "an address, a symbol or SYMBOL+OFFSET");
	p->trigger->one_place = true;
	p->trigger->last = *place;
	return true;
}

static const char *find_dots(const struct term *term)
{
	for (size_t i = 0; i + 1 < term->value_length; i++)
		if (term->value[i] == '.' && term->value[i + 1] == '.')
			return term->value + i;
	return NULL;
}

/* PLACE, or PLACE..PLACE */
static bool take_range(struct parse *p, const struct term *term, enum trigger_point point,
		       bool real)
{
	struct trigger *t = p->trigger;
	const char *dots = find_dots(term), *end = term->value + term->value_length;

	if (!set_point(p, term, point))
		return false;
	if (!parse_place(term->value, (size_t)((dots ? dots : end) - term->value), &t->first) ||
	    (dots && !parse_place(dots + 2, (size_t)(end - dots - 2), &t->last)) ||
	    (real && (t->first.symbol[0] || t->last.symbol[0])))
		return bad_value(p, term,
				 real ? "a real address or FIRST..LAST" :
					"an address, a symbol, SYMBOL+OFFSET, or "
					"FIRST..LAST");
	if (!dots)
		t->last = t->first;
	if (!t->first.symbol[0] && !t->last.symbol[0] && t->last.address < t->first.address)
		return bad_value(p, term, "a range: it ends before it begins");
	t->real_address = real;
	return true;
}

static bool take_vector(struct parse *p, const struct term *term)
{
	uint64_t vector = 0;

	if (!set_point(p, term, TRIGGER_VECTOR) ||
	    !take_number(p, term, 0x100, MAX_VECTOR, &vector))
		return false;
	if (vector % 0x20)
		return bad_value(p, term, "a vector: those are multiples of 0x20");
	p->trigger->vector = (unsigned)vector;
	return true;
}

static bool take_ri(struct parse *p, const struct term *term)
{
	static const struct {
		const char *text;
		enum trigger_ri ri;
	} values[] = { { "0", TRIGGER_UNRECOVERABLE },
		       { "1", TRIGGER_RECOVERABLE },
		       { "any", TRIGGER_RI_ANY } };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (is_text(term->value, term->value_length, values[i].text)) {
			p->trigger->ri = values[i].ri;
			p->trigger->ri_given = true;
			return true;
		}
	}
	return bad_value(p, term, "0, 1 or any");
}

static bool take_cpu(struct parse *p, const struct term *term)
{
	static const char others[] = "others:";
	const size_t prefix = sizeof(others) - 1;
	struct term number = *term;
	uint64_t cpu;

	p->trigger->cpus = TRIGGER_CPU;
	if (is_text(term->value, term->value_length, "all")) {
		p->trigger->cpus = TRIGGER_CPUS_ALL;
		return true;
	}
	if (term->value_length > prefix && !memcmp(term->value, others, prefix)) {
		p->trigger->cpus = TRIGGER_CPUS_OTHERS;
		number.value += prefix;
		number.value_length -= prefix;
	}
	if (!number_parse(number.value, number.value_length, &cpu) || cpu > UINT16_MAX)
		return bad_value(p, term, "the number of a CPU, all or others:N");
	p->trigger->cpu = (unsigned)cpu;
	return true;
}

static bool take_context(struct parse *p, const struct term *term, enum inject_context context)
{
	if (p->trigger->context != INJECT_ANY)
		return FAIL(p, "%.*s at column %u contradicts the word before it", WORD(term),
			    term->column);
	p->trigger->context = context;
	return true;
}

static bool take_fwnmi(struct parse *p, const struct term *term, enum trigger_fwnmi fwnmi)
{
	if (p->trigger->fwnmi != TRIGGER_FWNMI_ANY)
		return FAIL(p, "%.*s at column %u contradicts the word before it", WORD(term),
			    term->column);
	p->trigger->fwnmi = fwnmi;
	return true;
}

enum word {
	WORD_ADDRESS,
	WORD_FETCH,
	WORD_READ,
	WORD_WRITE,
	WORD_ACCESS,
	WORD_FETCH_REAL,
	WORD_READ_REAL,
	WORD_WRITE_REAL,
	WORD_ACCESS_REAL,
	WORD_VECTOR,
	WORD_INSN,
	WORD_COUNT,
	WORD_AFTER,
	WORD_WITHIN,
	WORD_RI,
	WORD_PIDR,
	WORD_PROCESS,
	WORD_PID,
	WORD_CPU,
	WORD_FIRST_PLAIN, /* from here on words without a value */
	WORD_USER = WORD_FIRST_PLAIN,
	WORD_KERNEL,
	WORD_IDLE,
	WORD_REAL,
	WORD_RTAS,
	WORD_HANDLER,
	WORD_INTERLOCKED,
	NR_WORDS
};

static const char *const words[NR_WORDS + 1] = {
	[WORD_ADDRESS] = "address",
	[WORD_FETCH] = "fetch",
	[WORD_READ] = "read",
	[WORD_WRITE] = "write",
	[WORD_ACCESS] = "access",
	[WORD_FETCH_REAL] = "fetch-real",
	[WORD_READ_REAL] = "read-real",
	[WORD_WRITE_REAL] = "write-real",
	[WORD_ACCESS_REAL] = "access-real",
	[WORD_VECTOR] = "vector",
	[WORD_INSN] = "insn",
	[WORD_COUNT] = "count",
	[WORD_AFTER] = "after",
	[WORD_WITHIN] = "within",
	[WORD_RI] = "ri",
	[WORD_PIDR] = "pidr",
	[WORD_PROCESS] = "process",
	[WORD_PID] = "pid",
	[WORD_CPU] = "cpu",
	[WORD_USER] = "user",
	[WORD_KERNEL] = "kernel",
	[WORD_IDLE] = "idle",
	[WORD_REAL] = "real",
	[WORD_RTAS] = "rtas",
	[WORD_HANDLER] = "handler",
	[WORD_INTERLOCKED] = "interlocked",
};

static bool take_process(struct parse *p, const struct term *term)
{
	if (!term->value_length || term->value_length >= TRIGGER_MAX_PROCESS)
		return bad_value(p, term, "a process's name, of at most 15 bytes");
	memcpy(p->trigger->process, term->value, term->value_length);
	return true;
}

static bool take_valued(struct parse *p, const struct term *term, enum word word)
{
	struct trigger *t = p->trigger;
	uint64_t number;

	switch (word) {
	case WORD_ADDRESS:
		return take_address(p, term);
	case WORD_FETCH:
	case WORD_READ:
	case WORD_WRITE:
	case WORD_ACCESS:
		return take_range(p, term,
				  (enum trigger_point)(TRIGGER_FETCH + (word - WORD_FETCH)), false);
	case WORD_FETCH_REAL:
	case WORD_READ_REAL:
	case WORD_WRITE_REAL:
	case WORD_ACCESS_REAL:
		return take_range(p, term,
				  (enum trigger_point)(TRIGGER_FETCH + (word - WORD_FETCH_REAL)),
				  true);
	case WORD_VECTOR:
		return take_vector(p, term);
	case WORD_INSN:
		return take_number(p, term, 0, UINT64_MAX / 2, &t->from_insn);
	case WORD_COUNT:
		return take_number(p, term, 1, UINT64_MAX / 2, &t->count);
	case WORD_AFTER:
		return take_number(p, term, 0, UINT64_MAX / 2, &t->after);
	case WORD_WITHIN:
		return take_number(p, term, 1, UINT64_MAX / 2, &t->within);
	case WORD_RI:
		return take_ri(p, term);
	case WORD_PIDR:
		if (!take_number(p, term, 0, UINT32_MAX, &number))
			return false;
		t->pidr = (uint32_t)number;
		return t->has_pidr = true;
	case WORD_PROCESS:
		return take_process(p, term);
	case WORD_PID:
		if (!take_number(p, term, 0, INT32_MAX, &number))
			return false;
		t->pid = (uint32_t)number;
		return t->has_pid = true;
	default:
		return take_cpu(p, term);
	}
}

static bool take_plain(struct parse *p, const struct term *term, enum word word)
{
	switch (word) {
	case WORD_USER:
		return take_context(p, term, INJECT_USER);
	case WORD_KERNEL:
		return take_context(p, term, INJECT_KERNEL);
	case WORD_IDLE:
		return take_context(p, term, INJECT_IDLE);
	case WORD_REAL:
		return p->trigger->real_mode = true;
	case WORD_RTAS:
		return p->trigger->rtas = true;
	case WORD_HANDLER:
		return take_fwnmi(p, term, TRIGGER_HANDLER);
	default:
		return take_fwnmi(p, term, TRIGGER_INTERLOCKED);
	}
}

/* No word of ours. Without a value it may be a place. */
static bool take_unknown(struct parse *p, const struct term *term)
{
	const struct term address = { .word = words[WORD_ADDRESS],
				      .word_length = strlen(words[WORD_ADDRESS]),
				      .value = term->word,
				      .value_length = term->word_length,
				      .column = term->column };
	const char *near = text_nearest(term->word, term->word_length, words);
	struct trigger_place place;

	if (!term->value && !near && parse_place(term->word, term->word_length, &place))
		return take_address(p, &address);
	if (near)
		return FAIL(p, "unknown word %.*s at column %u: did you mean %s?", WORD(term),
			    term->column, near);
	return FAIL(p, "unknown word %.*s at column %u", WORD(term), term->column);
}

static bool take_term(struct parse *p, const struct term *term, bool *seen)
{
	unsigned word = 0;

	while (word < NR_WORDS && !is_text(term->word, term->word_length, words[word]))
		word++;
	if (word == NR_WORDS)
		return take_unknown(p, term);
	if (seen[word])
		return FAIL(p, "%.*s at column %u: it is there twice", WORD(term), term->column);
	seen[word] = true;
	if (word >= WORD_FIRST_PLAIN)
		return term->value ? FAIL(p, "%.*s at column %u takes no value", WORD(term),
					  term->column) :
				     take_plain(p, term, (enum word)word);
	if (!term->value || !term->value_length)
		return FAIL(p, "%.*s at column %u needs a value: %.*s=...", WORD(term),
			    term->column, WORD(term));
	return take_valued(p, term, (enum word)word);
}

/* The next term from @at on; false: there is none. */
static bool next_term(const char *text, const char **at, struct term *term)
{
	static const char separators[] = " ,\t\n";
	const char *start = *at + strspn(*at, separators), *equals;
	size_t length = strcspn(start, separators);

	if (!length)
		return false;
	*at = start + length;
	equals = memchr(start, '=', length);
	*term = (struct term){ .word = start,
			       .word_length = equals ? (size_t)(equals - start) : length,
			       .column = (unsigned)(start - text) + 1 };
	if (equals) {
		term->value = equals + 1;
		term->value_length = length - term->word_length - 1;
	}
	return true;
}

static bool check(struct parse *p)
{
	struct trigger *t = p->trigger;

	/* An interrupt clears MSR[RI]. */
	if (t->point == TRIGGER_VECTOR && !t->ri_given && !t->after)
		t->ri = TRIGGER_RI_ANY;
	if (t->context == INJECT_USER && t->point == TRIGGER_VECTOR)
		return FAIL(p, "user contradicts vector: an interrupt enters the kernel");
	if (t->context == INJECT_USER && t->real_mode)
		return FAIL(p, "user contradicts real: user mode has relocation on");
	if (t->context == INJECT_IDLE && (t->point != TRIGGER_ANYTHING || t->rtas || t->real_mode))
		return FAIL(p, "idle contradicts the rest: an idle CPU executes nothing");
	if (t->context == INJECT_USER && t->rtas)
		return FAIL(p, "user contradicts rtas: RTAS runs in real mode");
	return true;
}

bool trigger_parse(const char *text, struct trigger *trigger, char *err, size_t err_size)
{
	struct parse p = { trigger, err, err_size };
	bool seen[NR_WORDS] = { false };
	const char *at = text;
	struct term term;

	*trigger = (struct trigger){ .point = TRIGGER_ANYTHING };
	while (next_term(text, &at, &term))
		if (!take_term(&p, &term, seen))
			return false;
	if (at == text)
		return FAIL(&p, "the trigger is empty");
	return check(&p);
}

bool trigger_names_process(const struct trigger *t)
{
	return t->process[0] || t->has_pid;
}

bool trigger_anywhere(const struct trigger *t)
{
	return t->point == TRIGGER_ANYTHING && !t->from_insn && t->count <= 1 && !t->after &&
	       t->context == INJECT_ANY && t->ri == TRIGGER_RI_ANY && !t->real_mode &&
	       !t->translated && !t->rtas && t->fwnmi == TRIGGER_FWNMI_ANY && !t->has_pidr &&
	       !trigger_names_process(t);
}

static bool resolve(struct trigger_place *place, const struct symbols *symbols, const char *why_not,
		    char *err, size_t err_size)
{
	char near[TRIGGER_MAX_SYMBOL];

	if (!place->symbol[0]) {
		place->local_entry = place->address;
		return true;
	}
	if (symbols && symbols_problem(symbols))
		why_not = symbols_problem(symbols);
	if (!symbols || symbols_problem(symbols)) {
		snprintf(err, err_size, "the address of %s is unknown: %s", place->symbol, why_not);
		return false;
	}
	if (symbols_find(symbols, place->symbol, &place->address) &&
	    symbols_local_entry(symbols, place->symbol, &place->local_entry)) {
		place->address += place->offset;
		if (place->has_offset)
			place->local_entry = place->address;
		return true;
	}
	if (symbols_nearest(symbols, place->symbol, near, sizeof(near)))
		snprintf(err, err_size, "the kernel has no symbol %s: did you mean %s?",
			 place->symbol, near);
	else
		snprintf(err, err_size, "the kernel has no symbol %s", place->symbol);
	return false;
}

bool trigger_resolve(struct trigger *t, const struct symbols *symbols, const char *why_not,
		     char *err, size_t err_size)
{
	if (!resolve(&t->first, symbols, why_not, err, err_size) ||
	    !resolve(&t->last, symbols, why_not, err, err_size))
		return false;
	if (t->one_place || t->last.address >= t->first.address)
		return true;
	snprintf(err, err_size, "the range %s.. ends before it begins",
		 t->first.symbol[0] ? t->first.symbol : "");
	return false;
}
