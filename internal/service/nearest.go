package service

// nearest gives the name out of names that takes the fewest edits to reach from given (Levenshtein distance); the first
// of several. names must not be empty.
func nearest(given string, names []string) string {
	best, least := names[0], distance(given, names[0])
	for _, name := range names[1:] {
		if d := distance(given, name); d < least {
			best, least = name, d
		}
	}
	return best
}

// slip is how many letters of a name a hand may get wrong.
const slip = 2

// Misspelt gives the one of names that given was meant to be: all but two of its
// letters are right. It is empty where given is one of names, or like none. It is
// for settings that are not this project's, such as a carrier's own variables.
func Misspelt(given string, names ...string) string {
	meant := nearest(given, names)
	if d := distance(given, meant); d == 0 || d > slip {
		return ""
	}
	return meant
}

// distance counts the letters to put in, take out or change between a and b.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			changed := diagonal
			if r != s {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}
