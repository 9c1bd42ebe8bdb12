/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi attach`: watches a guest behind a gdb stub until it registers for FWNMI, and saves what it
 * registers for `fwnmi inject`. The watching is in attach/session.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "inject/inject_args.h"

#define EXIT_USAGE	  2
#define DEFAULT_TIMEOUT_S 120
#define MAX_TIMEOUT_S	  3600

static const char usage[] =
	"Usage: fwnmi attach --gdb HOST:PORT|unix:PATH [OPTION]...\n"
	"Wait until a guest of qemu-system-ppc64 -gdb ... calls ibm,nmi-register, and save the\n"
	"routines that it registers for fwnmi inject --gdb. The call comes once, early: start the\n"
	"guest stopped (qemu-system-ppc64 -S). It is resumed, and left running at the end.\n"
	"\n"
	"  --gdb ADDRESS        the gdb stub: HOST:PORT, :PORT on this host, or unix:PATH\n"
	"  --kernel VMLINUX     the guest's kernel, to look up an earlier registration\n"
	"  --rtas BASE[,SIZE]   the RTAS area, if guest memory has no device tree\n"
	"  --state FILE         save the result here (a file named after the address)\n"
	"  --timeout S          give up after S seconds (120)\n"
	"  --json               report as JSON\n"
	"  --sandbox on|off     on: drop what a session with the stub does not need (on)\n"
	"  -h, --help           print this help\n"
	"\n"
	"Exit status: 0 the guest has registered; 1 not; 2 invalid options.\n";

struct attach_options {
	struct remote_options remote;
	unsigned timeout_s;
	bool json;
};

static bool complain(const char *what, const char *detail)
{
	say("attach: %s%s", what, detail);
	return false;
}

static bool take_timeout(void *into, const struct command_option *option, const char *value,
			 char *why)
{
	uint64_t seconds;

	if (!inject_args_address(value, &seconds) || !seconds || seconds > MAX_TIMEOUT_S)
		return option_bad(why, "not a number of seconds up to %d", MAX_TIMEOUT_S);
	((struct attach_options *)into)->timeout_s = (unsigned)seconds;
	return true;
}

static const struct command_option attach_option_table[] = {
	{ "--timeout", OPTION_CALL, .set = take_timeout },
	{ "--json", OPTION_FLAG, .offset = offsetof(struct attach_options, json) },
	{ "--help", OPTION_HELP, .letter = 'h' },
	{ NULL },
};

static enum options_result parse_options(struct attach_options *o, int argc, char **argv)
{
	const struct command_line line = {
		.command = "attach",
		.groups = { { attach_option_table, o }, { remote_option_table, &o->remote } },
	};
	enum options_result result;

	*o = (struct attach_options){ .timeout_s = DEFAULT_TIMEOUT_S };
	result = options_parse(&line, argc, argv);
	if (result != OPTIONS_TAKEN)
		return result;
	if (!o->remote.gdb) {
		complain("no guest given: --gdb HOST:PORT or --gdb unix:PATH", "");
		return OPTIONS_BAD;
	}
	return remote_options_check(&o->remote, "attach") ? OPTIONS_TAKEN : OPTIONS_BAD;
}

static void print_json(const struct remote_registration *r)
{
	json_t *object = json_pack("{s:o, s:o, s:s, s:b, s:f, s:{s:o, s:I}, s:s}", "system-reset",
				   json_sprintf("0x%" PRIx64, r->system_reset), "machine-check",
				   json_sprintf("0x%" PRIx64, r->machine_check), "error-area",
				   r->page_7 ? "page-7" : "rtas", "call-seen", r->seen, "waited-ms",
				   r->waited_ms, "rtas", "base",
				   json_sprintf("0x%" PRIx64, r->rtas_base), "size",
				   (json_int_t)r->rtas_size, "state", r->state);

	json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(object);
}

static void print_text(const struct remote_registration *r)
{
	printf("registered: system reset routine 0x%" PRIx64 ", machine check routine 0x%" PRIx64
	       "\n",
	       r->system_reset, r->machine_check);
	if (r->seen)
		printf("  call       %s, seen after %.1f s\n",
		       r->page_7 ? "ibm,nmi-register-2" : "ibm,nmi-register", r->waited_ms / 1000);
	else
		puts("  call       before; the routines are those of the kernel's symbols");
	printf("  RTAS area  0x%" PRIx64 ", %" PRIu32 " bytes\n", r->rtas_base, r->rtas_size);
	printf("  kept in    %s\n", r->state);
}

int cmd_attach(int argc, char **argv)
{
	struct attach_options options;
	struct remote_registration registration;
	int status = options_end(parse_options(&options, argc, argv), usage, EXIT_USAGE);

	if (status >= 0)
		return status;
	if (!remote_attach(&options.remote, options.timeout_s * 1000, &registration)) {
		complain(registration.problem, "");
		return EXIT_FAILURE;
	}
	if (options.json)
		print_json(&registration);
	else
		print_text(&registration);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		complain("cannot write the report: ", strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
