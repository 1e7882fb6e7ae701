/* SPDX-License-Identifier: BSD-3-Clause */
/* Classes of characters: every byte is in those of its kind, and no byte beyond ASCII is in any. */
#include "model/chars.h"

#include <string.h>

#include "check.h"

static void test_chars__classes_hold_just_their_characters(void)
{
    static const struct {
        const char *characters;
        unsigned class;
    } cases[] = {
        {" \t\n\v\f\r", CENV_CHAR_BLANK},
        {"0123456789", CENV_CHAR_DIGIT},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", CENV_CHAR_UPPER},
        {"abcdefghijklmnopqrstuvwxyz", CENV_CHAR_LOWER},
        {"._-", CENV_CHAR_NAME},
        {"=!<>~", CENV_CHAR_OP},
        {"()|,", CENV_CHAR_JOIN},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].characters);
        for (int c = 1; c < 256; c++)
            CHECK_INT(cenv_char_is((char)c, cases[i].class),
                      strchr(cases[i].characters, c) != NULL);
    }
}

static void test_chars__controls_are_no_blanks(void)
{
    for (int c = 0; c < 256; c++) {
        bool low = (c < ' ' || c == 0x7f) && !(c >= '\t' && c <= '\r');
        CHECK_INT(cenv_char_is((char)c, CENV_CHAR_CONTROL), low);
        if (c > 0x7f)
            CHECK_INT(cenv_char_classes[c], 0);
    }
}

int main(void)
{
    RUN(test_chars__classes_hold_just_their_characters);
    RUN(test_chars__controls_are_no_blanks);
    return check_report();
}
