#include <ctype.h>
#include <stdio.h>

int main(void) {
    int c, is_inside = 0;
    long words = 0;
    while ((c = getchar()) != EOF) {
        if (isspace(c)) {
            is_inside = 0;
        } else if (!is_inside) {
            is_inside = 1;
            words++;
        }
    }
    printf("%ld\n", words);
    return 0;
}
